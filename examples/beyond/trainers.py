"""The arms as trainers of TRL: with the advantage of a group, with process credit, with both, or with two turns."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from experiments import ON_CPU
from PIL import Image
from tiny_policy import Policy
from transformers import LlavaProcessor
from trl import GRPOConfig, GRPOTrainer

from beyond.judging import REWARD, code_of, images_of
from beyond.scenes import AGAIN, DRAW, LONGEST, MOST, Scene, seen
from beyond.settings import Arm, Settings
from vincicoder import CompletionReward
from vincicoder.trainers.process_credit import ProcessCredit
from vincicoder.trainers.turns import TURNS, feedback

_PREFIXES = 2 * MOST
"""More than an answer has with two shapes more than any scene: the empty drawing, each shape, and the end."""


class ShuffledReward(CompletionReward):
    """The reward, with the gains of each answer's strokes dealt out to its strokes anew.

    What they add up to stays what it was, so that it is only said of the wrong strokes what they brought.

    Args:
        seed: Of the dealing.
        options: Those of the reward.
    """

    def __init__(self, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._rng = random.Random(seed)

    def __call__(self, *args: Any, **columns: Any) -> list[float | None]:
        """Score a batch, and shuffle the gains."""
        rewards = super().__call__(*args, **columns)
        self.prefixes = [shuffled(each, self._rng) for each in self.prefixes]
        return rewards


def shuffled(characters: str, rng: random.Random) -> str:
    """Return prefix scores with the same ends, and the gains between them in another order.

    The last gain is that of the document's end, which draws nothing, and stays.

    Args:
        characters: What ``credit.in_characters`` returned.
        rng: What deals.
    """
    points = json.loads(characters)
    if len(points) < 4:
        return characters
    gains = [after - before for (_, before), (_, after) in itertools.pairwise(points)]
    drawing = gains[:-1]
    rng.shuffle(drawing)
    scores = itertools.accumulate([*drawing, gains[-1]], initial=points[0][1])
    return json.dumps([[end, score] for (end, _), score in zip(points, scores, strict=True)])


class ProcessOnly(GRPOTrainer):
    """GRPO that does not learn from the reward of whole answers."""

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        batch["advantages"] = torch.zeros_like(batch["advantages"])
        return batch


class _CreditTrainer(ProcessCredit, GRPOTrainer):
    """Learns from whole answers and from their strokes."""


class _ProcessTrainer(ProcessCredit, ProcessOnly):
    """Learns from strokes alone."""


class TwoTurns(GRPOTrainer):
    """GRPO in which an episode is two answers: the second is given to the target and the render of the first.

    Both have the advantage of their episode.
    """

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        first = super()._generate_and_score_completions(inputs)
        answers = self.processing_class.batch_decode(first["completion_ids"], skip_special_tokens=True)
        second = super()._generate_and_score_completions(
            [self._shown(*each) for each in zip(inputs, answers, strict=True)]
        )
        first["advantages"] = second["advantages"]
        return joined(first, second, self.pad_token_id)

    def _calculate_rewards(self, inputs: Any, *others: Any) -> torch.Tensor:
        if TURNS in (inputs[0].get("rollout_infos") or {}):
            return super()._calculate_rewards(inputs, *others)
        return torch.zeros(len(inputs), len(self.reward_funcs))  # an episode is scored when it is over

    def _shown(self, row: dict[str, Any], answer: str) -> dict[str, Any]:
        """Return the row of an episode's second turn."""
        shown = feedback(self.reward_funcs[0], answer, "svg").image
        question = [{"role": "user", "content": AGAIN}]
        return {**row, "prompt": question, "image": seen(row["target"], shown), "rollout_infos": {TURNS: [answer]}}


def joined(first: dict[str, Any], second: dict[str, Any], pad: int) -> dict[str, Any]:
    """Return two batches of TRL as one; shorter completions are filled up.

    Args:
        first: The one batch.
        second: The other.
        pad: What completions are filled up with.
    """
    batch: dict[str, Any] = {}
    for name, value in first.items():
        other = second[name]
        if name == "num_items_in_batch" or isinstance(value, list):
            batch[name] = value + other
        elif name.startswith("completion"):
            filling = pad if name == "completion_ids" else 0
            length = max(value.shape[1], other.shape[1])
            filled = [
                torch.nn.functional.pad(each, (0, length - each.shape[1]), value=filling) for each in (value, other)
            ]
            batch[name] = torch.cat(filled)
        else:
            batch[name] = torch.cat([value, other])
    return batch


def make_trainer(
    arm: Arm,
    seed: int,
    policy: Policy,
    processor: LlavaProcessor,
    practice: Sequence[Scene],
    settings: Settings,
    directory: Path,
) -> GRPOTrainer:
    """Return the trainer of an arm.

    Args:
        arm: See `Arm`.
        seed: Of the order of the scenes and of what the policy says.
        policy: What learns.
        processor: What it reads and writes by.
        practice: The scenes.
        settings: See `Settings`.
        directory: For TRL's files.
    """
    options = {**REWARD, "workers": 1, "turns": arm.turns, "prefixes": _PREFIXES if arm.process_weight else 0}
    reward = ShuffledReward(seed, **options) if arm.shuffled else CompletionReward(**options)
    common: dict[str, Any] = {
        "model": policy,
        "reward_funcs": [reward],
        "args": _config(arm, seed, settings, directory),
        "train_dataset": Dataset.from_list(_rows(practice)),
        "processing_class": processor,
    }
    if arm.process_weight:
        trainer = _CreditTrainer if arm.outcome else _ProcessTrainer
        return trainer(**common, process_weight=arm.process_weight, process_discount=settings.discount)
    return (GRPOTrainer if arm.turns == 1 else TwoTurns)(**common)


def _rows(practice: Sequence[Scene]) -> list[dict[str, Any]]:
    question = [{"role": "user", "content": DRAW}]
    targets: list[Image.Image] = images_of(practice)
    return [
        {"prompt": question, "image": seen(target), "target": target, "language": "svg", "reference": code_of(scene)}
        for scene, target in zip(practice, targets, strict=True)
    ]


def _config(arm: Arm, seed: int, settings: Settings, directory: Path) -> GRPOConfig:
    return GRPOConfig(
        output_dir=str(directory),
        seed=seed,
        max_steps=settings.steps,
        per_device_train_batch_size=settings.answers // arm.turns,
        num_generations=settings.per_scene // arm.turns,
        max_completion_length=LONGEST,
        learning_rate=settings.learning_rate,
        adam_beta2=0.99,
        save_strategy="no",
        logging_steps=1,
        **ON_CPU,
    )
