"""A tiny vision-language model that has learnt to write code, so that its samples earn something."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image


def teach(folder: Path, image: Image.Image, prompt: str, answers: Sequence[str], steps: int = 150) -> float:
    """Train the model in ``folder`` to give the answers, with equal chance, and save it there; return the loss."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    question = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]
    asked = processor.apply_chat_template(question, add_generation_prompt=True)
    texts = [f"{asked}{answer}<|im_end|>" for answer in answers]
    batch = processor(text=texts, images=[image] * len(texts), return_tensors="pt", padding=True, padding_side="right")
    length = processor(text=[asked], images=[image], return_tensors="pt")["input_ids"].shape[1]
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    labels[:, :length] = -100
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return loss.item()
