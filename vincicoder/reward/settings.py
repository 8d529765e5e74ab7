"""What scores of a reward depend on, and new weights for those that a file of results holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vincicoder.reporting.settings import Settings
from vincicoder.reward.combine import combine, measuring, options_of
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.status import Status

_WEIGHTS = ("preset", "components", "extra", "alignment_weight", "coarse_weight")


def settings_of(config: RewardConfig, **more: Any) -> Settings:
    """Return what component scores depend on: each component that runs, with its own options, and no weight.

    Results that were measured with more components are good for fewer.

    Args:
        config: The reward's options.
        more: Other settings by name.

    Example:
        >>> from vincicoder.options import from_flat
        >>> heavy, light = (from_flat(RewardConfig, {"components": {"paper": weight}}) for weight in (0.5, 0.1))
        >>> settings_of(heavy).run == settings_of(light).run
        True
    """
    components = {f"component {name}": own for name, own in options_of(measuring(config).scoring).items()}
    extras = {f"extra {value}": True for value in config.scoring.extra}
    return Settings.of(config, _WEIGHTS, **components, **extras, **more)


def reweighed(record: Mapping[str, Any], config: ScoringConfig, step: Any = None) -> dict[str, Any]:
    """Return a result from a file with ``overall`` and ``visual`` as these weights make them of its components.

    Args:
        record: What ``RewardResult.to_dict`` gave, with whatever else.
        config: Preset and weights.
        step: The trainer's step, for weights that change over steps.

    Example:
        >>> record = {"scores": {"paper": 0.5, "alignment": 1.0}, "status": "ok", "overall": 0.0}
        >>> reweighed(record, ScoringConfig(alignment_weight=0.5))["overall"]
        0.75
    """
    found = combine(record["scores"], Status(record["status"]), config, step if isinstance(step, int) else None)
    return {**record, "overall": found.overall, "visual": found.visual, "preset": config.preset}
