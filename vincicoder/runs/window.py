"""Means over the last and the first steps of a log: a single step says little."""

from __future__ import annotations

from vincicoder.runs.log import Log

STEPS = 5
"""Steps that a mean is taken over.

With a spread of 0.25 between responses, the mean reward of a step of 2,048 is good to about 0.006, that of 256 to
0.016, and the mean of five such steps to less than half of that.
"""


def last(log: Log, measure: str, steps: int = STEPS) -> float | None:
    """Return the mean of a measure over the last steps that have it; None if none has.

    Example:
        >>> from vincicoder.runs.log import Entry
        >>> last(Log("trl", None, tuple(Entry(n, {"reward": n / 10}) for n in range(10))), "reward")
        0.7
    """
    return _mean([value for _, value in log.series(measure)][-steps:])


def first(log: Log, measure: str, steps: int = STEPS) -> float | None:
    """Return the mean of a measure over the first steps that have it; None if none has."""
    return _mean([value for _, value in log.series(measure)][:steps])


def best(log: Log, measure: str, steps: int = STEPS) -> float | None:
    """Return the highest mean of a measure over so many steps in a row; None if there are fewer."""
    values = [value for _, value in log.series(measure)]
    means = [sum(values[at : at + steps]) / steps for at in range(len(values) - steps + 1)]
    return max(means, default=None)


def change(log: Log, measure: str) -> float:
    """Return by how much a measure has grown from the first steps to the last; 0 where it is not logged."""
    begin, end = first(log, measure), last(log, measure)
    return 0.0 if begin is None or end is None else end - begin


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
