"""A tiny vision-language model that has learned to write code, so that its samples earn something."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from tiny_vlm import make_tiny_vlm

PROMPT = "Draw this image as SVG."
COLOURS = ("red", "blue")
TARGETS = tuple(Image.new("RGB", (64, 64), colour) for colour in COLOURS)
TARGET = TARGETS[0]

SIDES = (64, 512)
"""Of the targets as trainers show them: as they are, or scaled up to the fewest pixels that rows for verl ask for."""


def answer(shapes: str) -> str:
    return f'```svg\n<svg width="64" height="64">{shapes}</svg>\n```'


ANSWERS = (
    answer('<circle r="30" fill="red"/>'),
    answer('<rect width="9" height="30"/>'),
    "```python\nprint()\n```",
    answer('<rect width="64" height="64" fill="red"/><rect width="30" height="30"/>'),
)
"""All but one render and are of different worth, one is in the wrong language, and the last spoils what it begins."""


def target_png(target: Image.Image = TARGET) -> bytes:
    buffer = io.BytesIO()
    target.save(buffer, "PNG")
    return buffer.getvalue()


def asked(target: Image.Image) -> dict[str, Any]:
    """Return the message of a user who asks for a target."""
    return {"role": "user", "content": [{"type": "image", "image": target}, {"type": "text", "text": PROMPT}]}


def said(text: str) -> dict[str, Any]:
    """Return the message of a model that answers."""
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def shown_targets() -> list[Image.Image]:
    """Return the targets as trainers show them."""
    return [target.resize((side, side)) for target in TARGETS for side in SIDES]


def make_taught_vlm(directory: Path, kind: str) -> Path:
    """Write a model that gives the answers to the targets and the prompt, and return its directory.

    Its samples are the first answer twice as often as each other one, which is also what it gives without sampling.
    """
    answers = (ANSWERS[0], *ANSWERS)
    return teach(directory, kind, [[[asked(image), said(answer)] for answer in answers] for image in shown_targets()])


def teach(
    directory: Path,
    kind: str,
    talks: Sequence[Sequence[Sequence[dict[str, Any]]]],
    template: str | None = None,
    tools: Sequence[Any] | None = None,
) -> Path:
    """Write a model that has learned what the assistant says in conversations, and return its directory.

    Args:
        directory: Where the files go.
        kind: The architecture.
        talks: The conversations, in batches.
        template: The chat template; None for the tiny model's own.
        tools: The tools that it is told of.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    make_tiny_vlm(directory, kind)
    processor = AutoProcessor.from_pretrained(directory)
    if template is not None:
        processor.chat_template = processor.tokenizer.chat_template = template
        processor.save_pretrained(directory)
    steps = 160
    batches = [_batch(processor, each, tools) for each in talks]
    model = AutoModelForImageTextToText.from_pretrained(directory)
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-2, steps, pct_start=0.15, cycle_momentum=False)
    for step in range(steps):
        optimizer.zero_grad()
        model(**batches[step % len(batches)]).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
    model.save_pretrained(directory)
    return directory


def _batch(processor: Any, talks: Sequence[Sequence[dict[str, Any]]], tools: Sequence[Any] | None) -> dict[str, Any]:
    texts = [processor.apply_chat_template(talk, tools=tools) for talk in talks]
    images = [[part["image"] for each in talk for part in each["content"] if "image" in part] for talk in talks]
    batch = processor(text=texts, images=images, return_tensors="pt", padding=True, padding_side="right")
    return {**batch, "labels": _labels(batch["input_ids"], processor.tokenizer)}


def _labels(tokens: Any, tokenizer: Any) -> Any:
    """Return the tokens that the model writes itself, and -100 elsewhere."""
    begins = tokenizer("<|im_start|>assistant\n")["input_ids"]
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    labels = tokens.new_full(tokens.shape, -100)
    for row, line in enumerate(tokens.tolist()):
        for start in range(len(line)):
            if line[start : start + len(begins)] == begins:
                first = start + len(begins)
                last = line.index(end, first)
                labels[row, first : last + 1] = tokens[row, first : last + 1]
    return labels
