"""A tiny vision-language model that has learned to answer, to look at its render, and to answer again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from taught_vlm import ANSWERS, PROMPT, TARGET
from tiny_vlm import make_tiny_vlm

from vincicoder.alignment import align
from vincicoder.rendering import RenderPool
from vincicoder.trainers.turns import Feedback, feedback

PAIRS = ((ANSWERS[1], ANSWERS[0]), (ANSWERS[0], ANSWERS[1]), (ANSWERS[2], ANSWERS[0]))
"""What is written in both turns: a second turn makes it better, makes it worse, or mends what did not render."""

CALLS = """{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content or [] %}
{%- if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}
{%- endfor %}{% endif %}{% for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
"""A chat template with calls of tools as Qwen's models write them."""


_SYSTEM = {"role": "system", "content": [{"type": "text", "text": "You are a helpful assistant."}]}
"""What ms-swift puts before a conversation."""

Turns = Callable[[str, Feedback, str], list[dict[str, Any]]]
"""Makes a conversation of a first answer, of what the model is shown of it, and of a second answer."""


def user_turns(first: str, shown: Feedback, second: str) -> list[dict[str, Any]]:
    """Return a conversation in which the user shows the render."""
    return [_SYSTEM, _asked(), _said(first), {"role": "user", "content": _parts(shown)}, _said(second)]


def called_turns(language: bool = True) -> Turns:
    """Return a function that makes a conversation in which the model calls the tool, and perhaps names the language."""

    def turns(first: str, shown: Feedback, second: str) -> list[dict[str, Any]]:
        arguments = {"code": align(first, "svg").code or "print()"} | ({"language": "svg"} if language else {})
        call = {"type": "function", "function": {"name": "render", "arguments": arguments}}
        called = {"role": "assistant", "content": [], "tool_calls": [call]}
        return [_asked(), called, {"role": "tool", "content": _parts(shown)}, _said(second)]

    return turns


def make_taught_turns(
    directory: Path,
    kind: str,
    turns: Turns,
    template: str | None = None,
    tools: Sequence[Any] | None = None,
    steps: int = 250,
) -> Path:
    """Write a model that takes two turns at the target and the prompt, and return its directory.

    Args:
        directory: Where the files go.
        kind: The architecture.
        turns: Makes a conversation of a first answer, of what the model is shown of it, and of a second answer.
        template: The chat template; None for the tiny model's own.
        tools: The tools that it is told of.
        steps: Of its training.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    make_tiny_vlm(directory, kind)
    processor = AutoProcessor.from_pretrained(directory)
    if template is not None:
        processor.chat_template = processor.tokenizer.chat_template = template
        processor.save_pretrained(directory)
    model = AutoModelForImageTextToText.from_pretrained(directory)
    with RenderPool(workers=1) as pool:
        talks = [turns(first, feedback(pool, first, "svg"), second) for first, second in PAIRS]
    texts = [processor.apply_chat_template(talk, tools=tools) for talk in talks]
    images = [[part["image"] for each in talk for part in each["content"] if "image" in part] for talk in talks]
    batch = processor(text=texts, images=images, return_tensors="pt", padding=True, padding_side="right")
    labels = _labels(batch["input_ids"], processor.tokenizer)
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / steps) + 1e-4
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(directory)
    return directory


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


def _asked() -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image", "image": TARGET}, {"type": "text", "text": PROMPT}]}


def _said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def _parts(shown: Feedback) -> list[dict[str, Any]]:
    image: Image.Image | None = shown.image
    return [*([] if image is None else [{"type": "image", "image": image}]), {"type": "text", "text": shown.text}]
