"""The reward: responses and targets in, scores and their reasons out."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from vincicoder.reward.result import NAMED_SCORES, STAGES, RewardRequest, RewardResult, Totals

if TYPE_CHECKING:
    from vincicoder.rendering import Render
    from vincicoder.reward.visual_reward import VisualReward

__all__ = ["NAMED_SCORES", "STAGES", "RewardRequest", "RewardResult", "Scorer", "Totals", "VisualReward"]


class Scorer(Protocol):
    """Anything that scores: a `VisualReward`, or a node's, a cluster's or a server's that answers like one."""

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish."""

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does."""

    def close(self) -> None:
        """End every worker, or let go of what is shared."""


def __getattr__(name: str) -> object:
    if name == "VisualReward":
        return importlib.import_module("vincicoder.reward.visual_reward").VisualReward
    raise AttributeError(f"module 'vincicoder.reward' has no attribute {name!r}")
