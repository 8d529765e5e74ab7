"""What the runs of an experiment must share to be compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_OF_THE_REWARD = ("practice", "steps", "group", "responses", "learning_rate")


@dataclass(frozen=True)
class Settings:
    """Sizes of everything.

    Attributes:
        scenes: Scenes of the supervised stage.
        refinement: Share of these scenes with a row more, which asks to fix flawed code; in [0, 1].
        epochs: How often the supervised stage sees each row.
        batch: Rows of an update of the supervised stage.
        width: Of the model's layers; a multiple of 64.
        layers: Layers of its vision tower, and of its language model.
        practice: Scenes that the model learns from by the reward; none of them is in the supervised stage.
        steps: Updates by the reward.
        group: Responses to a prompt.
        responses: Responses of an update; a multiple of ``group``.
        learning_rate: Of the updates by the reward.
        held_out: Scenes that models are judged by; none of them is ever trained on.
        limit: Tokens of an answer, at most.
    """

    scenes: int = 3200
    refinement: float = 0.25
    epochs: int = 2
    batch: int = 32
    width: int = 256
    layers: tuple[int, int] = (4, 3)
    practice: int = 480
    steps: int = 60
    group: int = 8
    responses: int = 64
    learning_rate: float = 5e-5
    held_out: int = 128
    limit: int = 64

    def of(self, supervised: bool) -> dict[str, Any]:
        """Return what decides a stage's result, as JSON has it.

        Args:
            supervised: Whether it is the supervised stage, which knows nothing of what comes after it.

        Example:
            >>> "steps" in Settings().of(supervised=True)
            False
        """
        found = {**asdict(self), "layers": list(self.layers)}
        return {name: value for name, value in found.items() if not (supervised and name in _OF_THE_REWARD)}


QUICK = Settings(scenes=64, epochs=1, width=64, layers=(1, 1), practice=8, steps=3, group=4, responses=8, held_out=8)
"""Enough to see that everything works; nothing is learned."""
