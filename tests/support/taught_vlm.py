"""A tiny vision-language model that has learned to write code, so that its samples earn something."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from tiny_vlm import make_tiny_vlm

PROMPT = "Draw this image as SVG."
TARGET = Image.new("RGB", (64, 64), "red")


def answer(shape: str) -> str:
    return f'```svg\n<svg width="64" height="64">{shape}</svg>\n```'


ANSWERS = (
    answer('<circle r="30" fill="red"/>'),
    answer('<rect width="9" height="30"/>'),
    "```python\nprint()\n```",
)
"""They render, are of different worth, and one is in the wrong language."""


def target_png() -> bytes:
    buffer = io.BytesIO()
    TARGET.save(buffer, "PNG")
    return buffer.getvalue()


def make_taught_vlm(directory: Path, kind: str, steps: int = 150) -> Path:
    """Write a model that gives the answers to the target and the prompt, with equal chance, and return its directory."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    make_tiny_vlm(directory, kind)
    processor = AutoProcessor.from_pretrained(directory)
    model = AutoModelForImageTextToText.from_pretrained(directory)
    question = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}]
    asked = processor.apply_chat_template(question, add_generation_prompt=True)
    texts = [f"{asked}{answer}<|im_end|>" for answer in ANSWERS]
    batch = processor(text=texts, images=[TARGET] * len(texts), return_tensors="pt", padding=True, padding_side="right")
    length = processor(text=[asked], images=[TARGET], return_tensors="pt")["input_ids"].shape[1]
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    labels[:, :length] = -100
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(directory)
    return directory
