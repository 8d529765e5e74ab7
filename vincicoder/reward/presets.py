"""Presets: named sets of components and weights, and how they become one number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from vincicoder.status import Fault, Status

if TYPE_CHECKING:
    from vincicoder.reward.config import ScoringConfig


@dataclass(frozen=True)
class Preset:
    """A named set of components.

    Attributes:
        weights: Weight of each component in ``visual``, the preset's weighted arithmetic mean.
    """

    weights: Mapping[str, float]


PRESETS: dict[str, Preset] = {"paper": Preset({"paper": 1.0})}


class Reward(NamedTuple):
    """What `combine` returns; both numbers are in [0, 1]."""

    overall: float
    visual: float


def weights_of(config: ScoringConfig) -> dict[str, float]:
    """Return the weight of every component that runs: those of the preset, as ``config.components`` changes them.

    A component that is only logged has weight 0.

    Example:
        >>> from vincicoder.reward.config import ScoringConfig
        >>> weights_of(ScoringConfig(components={"paper": 0.5}))
        {'paper': 0.5}
    """
    weights = dict(PRESETS[config.preset].weights)
    logged = set()
    for name, change in config.components.items():
        if isinstance(change, Mapping):
            weights[name] = float(change.get("weight", weights.get(name, 0.0)))
            if change.get("log"):
                logged.add(name)
        else:
            weights[name] = float(change)
    return {name: weight for name, weight in weights.items() if weight > 0 or name in logged}


def combine(scores: Mapping[str, float], status: Status, config: ScoringConfig, step: int | None = None) -> Reward:
    """Combine component scores into the reward. A pure function, applied in the process that asked for the score.

    ``visual`` is the weighted mean of the components that apply to the target, 0 unless ``status`` is ok;
    ``overall = (1 - alignment_weight) * visual + alignment_weight * alignment``.

    Args:
        scores: Component scores in [0, 1] by name; a component that does not apply is missing.
        status: What became of the request.
        config: Preset and weights.
        step: The trainer's step, for weights that change over steps; constant weights do not depend on it.

    Example:
        >>> from vincicoder.reward.config import ScoringConfig
        >>> combine({"paper": 0.5, "alignment": 1.0}, Status.OK, ScoringConfig()).overall
        0.55
    """
    visual = _weighted_mean(scores, weights_of(config)) if status.fault is Fault.NONE else 0.0
    alignment = scores.get("alignment", 0.0)
    return Reward((1 - config.alignment_weight) * visual + config.alignment_weight * alignment, visual)


def _weighted_mean(scores: Mapping[str, float], weights: Mapping[str, float]) -> float:
    measured = [(scores[name], weight) for name, weight in weights.items() if weight > 0 and name in scores]
    total = sum(weight for _, weight in measured)
    return sum(score * weight for score, weight in measured) / total if total else 0.0
