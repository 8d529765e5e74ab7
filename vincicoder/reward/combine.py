"""From component scores to one reward: which components run, and what their scores are worth."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.reward.presets import DEFAULT_PRESET, PRESETS, Preset
from vincicoder.reward.result import RewardResult
from vincicoder.status import Fault, Status


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
    logged = {name for name, weight in weights.items() if weight == 0}
    for name, change in config.components.items():
        own = change if isinstance(change, Mapping) else {"weight": change}
        weights[name] = float(own.get("weight", weights.get(name, 0.0)))
        if own.get("log"):
            logged.add(name)
        elif "weight" in own or "log" in own:
            logged.discard(name)
    return {name: weight for name, weight in weights.items() if weight > 0 or name in logged}


def options_of(config: ScoringConfig) -> dict[str, dict[str, Any]]:
    """Return the own options of every component that runs, by its name.

    Raises:
        ConfigError: A change to the preset is neither a weight nor a mapping.
    """
    own: dict[str, dict[str, Any]] = {}
    for name in weights_of(config):
        change = config.components.get(name)
        given = change if isinstance(change, Mapping) else {}
        own[name] = {key: value for key, value in given.items() if key not in ("weight", "log")}
    if "paper" in own and config.coarse_weight is not None:
        own["paper"].setdefault("coarse_weight", config.coarse_weight)
    return own


def measuring(config: RewardConfig) -> RewardConfig:
    """Return a configuration that measures the same and weighs nothing: services are shared by what they measure."""
    scoring = config.scoring
    running = options_of(scoring)
    off = {name: 0.0 for name in PRESETS[DEFAULT_PRESET].weights if name not in running}
    components = {name: {**own, "log": True, "weight": 0.0} for name, own in sorted(running.items())}
    plain = dataclasses.replace(
        scoring,
        preset=DEFAULT_PRESET,
        components={**components, **off},
        alignment_weight=0.0,
        coarse_weight=None,
    )
    return dataclasses.replace(config, scoring=plain)


def rewarded(result: RewardResult, config: ScoringConfig, step: int | None = None) -> RewardResult:
    """Return a result, perhaps from another process, with ``overall`` and ``visual`` as these weights make them."""
    overall, visual = combine(result.scores, result.status, config, step)
    return dataclasses.replace(result, overall=overall, visual=visual, preset=config.preset)


def combine(
    scores: Mapping[str, float | None], status: Status, config: ScoringConfig, step: int | None = None
) -> Reward:
    """Combine component scores into the reward. A pure function, applied in the process that asked for the score.

    ``visual`` is the preset's weighted mean of the components that apply to the target, 0 unless ``status`` is ok;
    ``overall = (1 - alignment_weight) * visual + alignment_weight * alignment``.

    Args:
        scores: Component scores in [0, 1] by name; None for a component that does not apply to the target.
        status: What became of the request.
        config: Preset and weights.
        step: The trainer's step, for weights that change over steps; constant weights do not depend on it.

    Example:
        >>> from vincicoder.reward.config import ScoringConfig
        >>> combine({"paper": 0.5, "alignment": 1.0}, Status.OK, ScoringConfig()).overall
        0.55
    """
    visual = visual_of(scores, weights_of(config), PRESETS[config.preset]) if status.fault is Fault.NONE else 0.0
    alignment = scores.get("alignment") or 0.0
    return Reward((1 - config.alignment_weight) * visual + config.alignment_weight * alignment, visual)


def visual_of(scores: Mapping[str, float | None], weights: Mapping[str, float], preset: Preset) -> float:
    """Return the mean of the scores that count, after its caps, as the preset has it; 0 where nothing counts.

    Args:
        scores: Component scores in [0, 1] by name; None, like a name that is not there, does not count.
        weights: The weights, which may be others than the preset's own.
        preset: The rule.

    Example:
        >>> rule = Preset({}, floor=0.01, caps={"text": 0.25})
        >>> round(visual_of({"hog": 0.25, "text": 1.0}, {"hog": 1, "text": 1}, rule) ** 2, 6)  # 0.25 times 0.25 + 0.25
        0.125
    """
    found = [(name, scores.get(name), weight) for name, weight in weights.items() if weight > 0]
    measured = {name: (score, weight) for name, score, weight in found if score is not None}
    counted = dict(measured)
    for name, margin in preset.caps.items():
        others = [pair for other, pair in measured.items() if other != name]
        if name in measured and others:
            score, weight = measured[name]
            counted[name] = min(score, _mean(others, preset.floor) + margin), weight
    return _mean(counted.values(), preset.floor)


def _mean(measured: Collection[tuple[float, float]], floor: float | None) -> float:
    """Return the mean of pairs of a score and its weight: geometric with a floor, arithmetic without one."""
    total = sum(weight for _, weight in measured)
    if not total:
        return 0.0
    if floor is None:
        return sum(score * weight for score, weight in measured) / total
    return math.exp(sum(weight * math.log(max(floor, score)) for score, weight in measured) / total)
