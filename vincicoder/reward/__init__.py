"""The reward: responses and targets in, scores and their reasons out."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vincicoder.reward.prefix_scores import prefix_scores
from vincicoder.reward.ranking import rank_group
from vincicoder.reward.result import NAMED_SCORES, STAGES, PrefixScore, RewardRequest, RewardResult, Totals
from vincicoder.reward.spread import keep_group, spread

if TYPE_CHECKING:
    from vincicoder.images import TargetLike
    from vincicoder.rendering import Render
    from vincicoder.reward.visual_reward import VisualReward

__all__ = [
    "NAMED_SCORES",
    "STAGES",
    "PrefixScore",
    "RewardRequest",
    "RewardResult",
    "Scorer",
    "Totals",
    "VisualReward",
    "keep_group",
    "prefix_scores",
    "rank_group",
    "score",
    "spread",
]


class Scorer(Protocol):
    """Anything that scores: a `VisualReward`, or what answers like one for a node, a cluster or a server.

    Example:
        >>> def best(scorer: Scorer, requests: Sequence[RewardRequest]) -> float:
        ...     return max(result.overall for _, result in scorer.stream(requests))
    """

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish.

        Args:
            requests: What to score.
        """

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does.

        Args:
            code: The code, without a fence.
            language: Name or alias of its language.
        """

    def close(self) -> None:
        """End every worker, or let go of what is shared."""


def score(
    response: str, target: TargetLike, language: str | None = None, prompt: str | None = None, **options: Any
) -> RewardResult:
    """Score one response. To score several, build a `VisualReward`, whose workers stay warm.

    Args:
        response: The text that the model wrote.
        target: The image to reproduce: path, bytes, PIL image, base64 text or array.
        language: Name or alias of the requested language; None to take it from the prompt.
        prompt: What the model was asked.
        options: Options of `VisualReward`, such as ``encoder="embedded"``.

    Returns:
        What the response earned, and why.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        EncoderError: The encoder cannot be loaded; the message says how to get it.

    Example:
        >>> import vincicoder
        >>> result = vincicoder.score(answer, "icon.png", language="svg", encoder="embedded")  # doctest: +SKIP
    """
    from vincicoder.reward.visual_reward import VisualReward

    with VisualReward(**{"workers": 1, **options}) as reward:
        [result] = reward.score([RewardRequest(response, target, prompt, language)])
    return result


def __getattr__(name: str) -> object:
    if name == "VisualReward":
        return importlib.import_module("vincicoder.reward.visual_reward").VisualReward
    raise AttributeError(f"module 'vincicoder.reward' has no attribute {name!r}")
