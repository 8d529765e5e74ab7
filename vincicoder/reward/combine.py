"""From component scores to one reward: which components run, and what their scores are worth."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.reward.extras import names_of, with_extras
from vincicoder.reward.presets import DEFAULT_PRESET, PRESETS, Preset
from vincicoder.reward.result import PrefixScore, RewardRequest, RewardResult
from vincicoder.reward.schedule import ever_counts, is_schedule, weight_at
from vincicoder.status import Fault, Status

STEP = "global_step"
"""The key of a request's metadata that says the trainer's step."""


class Reward(NamedTuple):
    """What `combine` returns; both numbers are in [0, 1]."""

    overall: float
    visual: float


def weights_of(config: ScoringConfig, step: int | None = None) -> dict[str, float]:
    """Return the weight of all that runs: the components of the preset, as ``config.components`` changes them.

    What is only logged has weight 0, and so has what does not count yet or any more.

    Args:
        config: Preset and weights.
        step: The trainer's step; None for the weights that schedules end with.

    Example:
        >>> from vincicoder.reward.config import ScoringConfig
        >>> weights_of(ScoringConfig(components={"paper": 0.5}))
        {'paper': 0.5}
    """
    weights: dict[str, float | str] = dict(PRESETS[config.preset].weights)
    logged = {name for name, weight in weights.items() if weight == 0}
    for name, change in config.components.items():
        own = change if isinstance(change, Mapping) else {"weight": change}
        weights[name] = own.get("weight", weights.get(name, 0.0))
        if own.get("log"):
            logged.add(name)
        elif "weight" in own or "log" in own:
            logged.discard(name)
    running = {name: weight for name, weight in weights.items() if ever_counts(weight) or name in logged}
    return {name: weight_at(weight, step) for name, weight in running.items()}


def changes_over_steps(config: ScoringConfig) -> bool:
    """Whether any weight does, so that requests must say their step.

    Args:
        config: Preset and weights.

    Example:
        >>> from vincicoder.reward.config import ScoringConfig
        >>> changes_over_steps(ScoringConfig(components={"text": "linear 0 0.3 200"}))
        True
    """
    changes = config.components.values()
    return any(is_schedule(each.get("weight") if isinstance(each, Mapping) else each) for each in changes)


def options_of(config: ScoringConfig) -> dict[str, dict[str, Any]]:
    """Return the own options of every component that runs, by its name.

    Raises:
        ConfigError: A change to the preset is neither a weight nor a mapping.
    """
    own: dict[str, dict[str, Any]] = {}
    extras = names_of(config.extra)
    for name in weights_of(config):
        if name in extras:
            continue
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
        extra=(),
        alignment_weight=0.0,
        coarse_weight=None,
    )
    return dataclasses.replace(config, scoring=plain)


def rewarded(result: RewardResult, config: ScoringConfig, request: RewardRequest | None = None) -> RewardResult:
    """Return a result, perhaps from another process, with ``overall`` and ``visual`` as these weights make them.

    Args:
        result: The result, with the scores of all components.
        config: Preset, weights and extras.
        request: What was asked: extras are asked about it, and its metadata say the step for weights that change.

    Example:
        >>> from vincicoder.reward.config import ScoringConfig
        >>> failed = RewardResult.failed(RewardRequest("", b""), Status.NO_CODE, "there is no code block")
        >>> rewarded(failed, ScoringConfig(preset="robust")).preset
        'robust'
    """
    if request is not None and config.extra:
        result = with_extras(request, result, config.extra, weights_of(config))
    given = request.metadata.get(STEP) if request is not None else None
    step = given if isinstance(given, int) else None
    overall, visual = combine(result.scores, result.status, config, step)
    prefixes: tuple[PrefixScore, ...] = ()
    if result.prefixes and result.status.fault is Fault.NONE:
        # Extras are asked about the whole only, and count the same in each prefix.
        extras = {name: result.scores[name] for name in names_of(config.extra) if name in result.scores}
        *begun, last = (each._replace(scores={**each.scores, **extras}) for each in result.prefixes)
        rewards = [combine(each.scores, result.status, config, step).overall for each in begun]
        prefixes = tuple(
            each._replace(overall=reward) for each, reward in zip((*begun, last), (*rewards, overall), strict=True)
        )
    return dataclasses.replace(result, overall=overall, visual=visual, preset=config.preset, prefixes=prefixes)


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
        step: The trainer's step, for weights that change over steps; None for what they end with.

    Example:
        >>> from vincicoder.reward.config import ScoringConfig
        >>> combine({"paper": 0.5, "alignment": 1.0}, Status.OK, ScoringConfig()).overall
        0.55
    """
    visual = visual_of(scores, weights_of(config, step), PRESETS[config.preset]) if status.fault is Fault.NONE else 0.0
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
    found = {name: scores.get(name) for name, weight in weights.items() if weight > 0}
    counted = {name: _counted(name, score, preset) for name, score in found.items() if score is not None}
    measured = dict(counted)
    for name, margin in preset.caps.items():
        others = {other: score for other, score in measured.items() if other != name and other not in preset.of_code}
        if name in measured and others:
            counted[name] = min(measured[name], _mean(others, weights, preset) + margin)
    return _mean(counted, weights, preset)


def _counted(name: str, score: float, preset: Preset) -> float:
    """Return what a score counts as, before caps."""
    score = max(score, preset.floor or 0.0)
    knee, factor = preset.knees.get(name, (0.0, 1.0))
    return score if score >= knee else knee * (score / knee) ** factor


def _mean(scores: Mapping[str, float], weights: Mapping[str, float], preset: Preset) -> float:
    """Return the weighted mean: geometric with a floor, arithmetic without one."""
    total = sum(weights[name] for name in scores)
    if not total:
        return 0.0
    if preset.floor is None:
        return sum(weights[name] * score for name, score in scores.items()) / total
    return math.exp(sum(weights[name] * math.log(score) for name, score in scores.items()) / total)
