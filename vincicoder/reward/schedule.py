"""Weights that change over a trainer's steps, given as text: ``"linear 0 0.3 200"``."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from vincicoder.errors import ConfigError

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda share: share,
    "cosine": lambda share: (1 - math.cos(math.pi * share)) / 2,
    "step": lambda share: float(share >= 1),
}
"""How far a weight has come from its first value to its last, by the share of the steps that is over, in [0, 1]."""

FORM = f"a number of at least 0, or 'SHAPE FIRST LAST STEPS', such as 'linear 0 0.3 200', with {', '.join(SHAPES)}"


def weight_at(weight: float | str, step: int | None = None) -> float:
    """Return a weight at a step.

    Args:
        weight: A number; or ``SHAPE FIRST LAST STEPS``: the weight goes from the first to the last value over so many
            steps and stays there, evenly with ``linear``, slowly at both ends with ``cosine``, at once with ``step``.
        step: The trainer's step, from 0; None where there is none, as in an evaluation: then the last value counts.

    Raises:
        ConfigError: The text is no schedule.

    Example:
        >>> weight_at("linear 0 0.3 200", 100), weight_at("step 1 0 50", 49), weight_at(0.5, 7)
        (0.15, 1.0, 0.5)
    """
    if not isinstance(weight, str):
        return float(weight)
    shape, first, last, steps = _schedule(weight)
    share = 1.0 if step is None else min(1.0, max(0, step) / steps)
    return first + (last - first) * SHAPES[shape](share)


def is_schedule(weight: object) -> bool:
    """Whether a weight is a text of the form that `weight_at` reads.

    Args:
        weight: As an option has it.

    Example:
        >>> is_schedule("cosine 1 0 100"), is_schedule("much"), is_schedule(0.5)
        (True, False, False)
    """
    return isinstance(weight, str) and _parsed(weight) is not None


def ever_counts(weight: float | str) -> bool:
    """Whether a weight is above 0 at any step.

    Args:
        weight: A number or a schedule.

    Example:
        >>> ever_counts("step 0 1 50"), ever_counts(0)
        (True, False)
    """
    if not isinstance(weight, str):
        return weight > 0
    _, first, last, _ = _schedule(weight)
    return max(first, last) > 0


@functools.cache
def _parsed(text: str) -> tuple[str, float, float, float] | None:
    """Return shape, first value, last value and steps; None if the text is no schedule."""
    shape, *numbers = text.split() or [""]
    try:
        first, last, steps = map(float, numbers)
    except ValueError:
        return None
    sound = 0 <= first < math.inf and 0 <= last < math.inf and 0 < steps < math.inf
    return (shape, first, last, steps) if shape in SHAPES and sound else None


def _schedule(text: str) -> tuple[str, float, float, float]:
    if (schedule := _parsed(text)) is None:
        raise ConfigError(f"the weight {text!r} is no schedule; expected {FORM}")
    return schedule
