"""The supervised stage: rows by program that ask to draw a picture, and rows that ask to fix flawed code."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from transformers import LlavaProcessor, PrinterCallback, Trainer, TrainingArguments

from miniature.model import ANSWER, END, IMAGE, make_model
from miniature.scenes import DRAW, FIX, Scene, answer, code_of, flawed
from miniature.settings import Settings

_IGNORED = -100
"""The label of what the model is not to learn to say."""


class Row(NamedTuple):
    """A row of the supervised stage.

    Attributes:
        prompt: What is asked.
        response: What is to be said.
        scene: Number of the scene that is shown.
    """

    prompt: str
    response: str
    scene: int


def direct_rows(scenes: Sequence[Scene]) -> list[Row]:
    """Return a row for each scene that asks to draw it."""
    return [Row(DRAW, answer(code_of(scene)), number) for number, scene in enumerate(scenes)]


def refinement_rows(scenes: Sequence[Scene], share: float, seed: int) -> list[Row]:
    """Return rows that ask to fix flawed code of some scenes.

    Args:
        scenes: All scenes.
        share: Share of the scenes that get such a row, in [0, 1].
        seed: Of the choice and of the flaws.
    """
    rng = random.Random(seed)
    chosen = sorted(rng.sample(range(len(scenes)), round(share * len(scenes))))
    return [Row(fix(scenes[each], rng), answer(code_of(scenes[each])), each) for each in chosen]


def fix(scene: Scene, rng: random.Random) -> str:
    """Return a prompt that asks to fix flawed code of a scene."""
    return f"{FIX}\n{answer(flawed(scene, rng))}"


class _Tokens(torch.utils.data.Dataset[dict[str, Any]]):
    """Rows as tokens and pixels."""

    def __init__(self, rows: Sequence[Row], pixels: torch.Tensor, processor: LlavaProcessor) -> None:
        places = IMAGE * (pixels.shape[-1] // processor.patch_size) ** 2
        asked = processor.tokenizer([f"{places}{row.prompt}{ANSWER}" for row in rows])["input_ids"]
        said = processor.tokenizer([f"{row.response}{END}" for row in rows])["input_ids"]
        self._tokens = list(zip(asked, said, strict=True))
        self._scenes = [row.scene for row in rows]
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, index: int) -> dict[str, Any]:
        asked, said = self._tokens[index]
        return {
            "input_ids": torch.tensor(asked + said),
            "labels": torch.tensor([_IGNORED] * len(asked) + said),
            "pixel_values": self._pixels[self._scenes[index]],
        }


def _batch(rows: Sequence[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    def padded(name: str, value: int) -> torch.Tensor:
        return torch.nn.utils.rnn.pad_sequence([row[name] for row in rows], batch_first=True, padding_value=value)

    ids = padded("input_ids", pad)
    return {
        "input_ids": ids,
        "attention_mask": (ids != pad).long(),
        "labels": padded("labels", _IGNORED),
        "pixel_values": torch.stack([row["pixel_values"] for row in rows]),
    }


def train(
    rows: Sequence[Row],
    images: Sequence[Image.Image],
    processor: LlavaProcessor,
    directory: Path,
    seed: int,
    settings: Settings,
) -> Path:
    """Train a new model on rows and return the directory of its checkpoint, which has the log as well.

    Args:
        rows: What to learn.
        images: What each scene looks like.
        processor: What the model reads and writes by.
        directory: Where the checkpoint goes.
        seed: Of the weights and of the order of the rows.
        settings: See `Settings`.
    """
    steps = max(1, settings.epochs * len(rows) // settings.batch)
    pixels = processor.image_processor(images=list(images), return_tensors="pt")["pixel_values"]
    arguments = TrainingArguments(
        output_dir=str(directory),
        seed=seed,
        use_cpu=True,
        max_steps=steps,
        per_device_train_batch_size=settings.batch,
        train_sampling_strategy="group_by_length",  # so that short rows are not padded to the longest
        learning_rate=1e-3,
        lr_scheduler_type="cosine",
        warmup_steps=steps // 10,
        weight_decay=0.01,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        logging_steps=5,
        save_steps=steps,
        save_only_model=True,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_drop_last=True,
    )
    pad = processor.tokenizer.pad_token_id
    trainer = Trainer(
        model=make_model(processor, seed, settings.width, settings.layers),
        args=arguments,
        train_dataset=_Tokens(rows, pixels, processor),
        data_collator=lambda batch: _batch(batch, pad),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    checkpoint = directory / f"checkpoint-{steps}"
    processor.save_pretrained(checkpoint)
    return checkpoint
