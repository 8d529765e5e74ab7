"""The second stage: GRPO by TRL's trainer with the visual reward."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import trl
from datasets import Dataset
from experiments import ON_CPU
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from miniature.judging import RENDERER_OPTIONS, images_of
from miniature.model import load
from miniature.scenes import DRAW, Scene, code_of
from miniature.settings import Settings
from vincicoder import CompletionReward
from vincicoder.trainers import add_means


def train(
    start: Path,
    preset: str,
    scenes: Sequence[Scene],
    directory: Path,
    seed: int,
    settings: Settings,
    workers: int | None = None,
) -> Path:
    """Train a model by the reward and return the directory of its checkpoint, which has the log as well.

    Args:
        start: Checkpoint of the supervised stage.
        preset: The reward's preset.
        scenes: What to practise on.
        directory: Where checkpoints and the settings of the run go.
        seed: Of the order of the scenes and of what the model says.
        settings: See `Settings`.
        workers: Processes that render; None for one a CPU.
    """
    model, processor = load(start)
    reward = CompletionReward(preset=preset, encoder="embedded", renderer_options=RENDERER_OPTIONS, workers=workers)
    arguments = _arguments(directory, seed, settings)
    question = [{"role": "user", "content": DRAW}]
    rows = [
        {"prompt": question, "image": image, "language": "svg", "reference": code_of(scene)}
        for scene, image in zip(scenes, images_of(scenes), strict=True)
    ]
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[reward],
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=processor,
    )
    trainer.remove_callback(PrinterCallback)
    if int(trl.__version__.partition(".")[0]) < 1:
        trainer.add_callback(Means(trainer))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "settings.json").write_text(json.dumps({"preset": preset, "seed": seed, **asdict(settings)}))
    trainer.train()
    return directory / f"checkpoint-{settings.steps}"


def _arguments(directory: Path, seed: int, settings: Settings) -> GRPOConfig:
    return GRPOConfig(
        output_dir=str(directory),
        seed=seed,
        max_steps=settings.steps,
        per_device_train_batch_size=settings.responses,
        num_generations=settings.group,
        max_completion_length=settings.limit,
        learning_rate=settings.learning_rate,
        save_steps=min(10, settings.steps),  # each has the log so far, which `vincicoder watch` reads
        save_total_limit=1,
        save_only_model=True,
        logging_steps=1,
        **ON_CPU,
    )


class Means(TrainerCallback):
    """Bring the reward's own means into the log of TRL before 1.

    Args:
        trainer: The trainer whose log it is.
    """

    def __init__(self, trainer: GRPOTrainer) -> None:
        self._trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Add the means since the last step."""
        add_means(self._trainer, "train")
