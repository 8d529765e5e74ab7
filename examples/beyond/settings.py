"""What arms differ in, and what all runs share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """How a policy is taught.

    Attributes:
        outcome: Whether an answer's advantage in its group is learned from.
        process_weight: Weight of process credit; 0 for none.
        shuffled: Whether the gains of an answer's strokes are dealt out to its strokes anew, by chance.
        turns: Answers of an episode; it earns what the last one does, by the rules of turns.
    """

    outcome: bool = True
    process_weight: float = 0.0
    shuffled: bool = False
    turns: int = 1


WEIGHT = 10.0
ARMS = {
    "outcome": Arm(),
    "process": Arm(outcome=False, process_weight=WEIGHT),
    "both": Arm(process_weight=WEIGHT),
    "shuffled": Arm(process_weight=WEIGHT, shuffled=True),
    "turns": Arm(turns=2),
}
"""The arms by name; each differs from ``outcome`` in what its fields say, and in nothing else."""


GOAL = 0.9
"""The mean reward of sampled answers to held-out scenes to which steps are counted."""


@dataclass(frozen=True)
class Settings:
    """What runs must share to be compared.

    Attributes:
        lessons: Scenes of the warm-up.
        warm_up_steps: Updates of the warm-up.
        warm_up_rows: Rows of such an update.
        warm_up_rate: Learning rate of the warm-up.
        practice: Scenes that policies learn from by the reward; none of them is in the warm-up.
        steps: Updates by the reward.
        every: Steps from one evaluation to the next.
        answers: Answers of an update by the reward.
        per_scene: Answers to a scene among these, all turns of an episode counted.
        learning_rate: Of the updates by the reward.
        discount: Of process credit.
        held_out: Scenes that policies are judged by; none of them is ever trained on.
    """

    lessons: int = 2048
    warm_up_steps: int = 200
    warm_up_rows: int = 64
    warm_up_rate: float = 2e-3
    practice: int = 128
    steps: int = 30
    every: int = 6
    answers: int = 32
    per_scene: int = 8
    learning_rate: float = 3e-4
    discount: float = 0.9
    held_out: int = 48


QUICK = Settings(lessons=32, warm_up_steps=5, practice=8, steps=2, every=1, answers=16, per_scene=8, held_out=4)
"""Enough to see that everything works; nothing is learned."""
