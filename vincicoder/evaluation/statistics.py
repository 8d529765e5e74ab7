"""How sure a benchmark's numbers are: bootstrap intervals of one model, and the paired bootstrap between two.

The samples of the benchmark are drawn again with replacement, each with all answers to it, and the columns are computed
anew. Two models are compared on the same draws, so that what makes a sample hard for both cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = Sequence[Mapping[str, Any]]
Summary = Callable[[Rows], Mapping[str, float | None]]
"""Turns rows of scores into columns; None for a column that these rows say nothing about."""

DRAWS = 1000
"""Bootstrap samples."""

_LEVEL = 95.0  # per cent of the draws that an interval holds


@dataclass(frozen=True)
class Interval:
    """A value and where it may lie.

    Attributes:
        value: Over all samples.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Interval):
    """What the second model has more than the first, and whether that may be chance.

    Attributes:
        p: Two-sided: how often draws fall on the other side of 0 than most, doubled; at least 2 / (draws + 1).
        samples: How many samples both models have answered.
    """

    p: float
    samples: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def intervals(summary: Summary, rows: Rows, draws: int = DRAWS, seed: int = 0) -> dict[str, Interval]:
    """Return the columns of one model, each with its bootstrap interval.

    Args:
        summary: The benchmark's.
        rows: Scores, each with the ``id`` of its sample.
        draws: Bootstrap samples.
        seed: Of the draws.

    Example:
        >>> rows = [{"id": str(number), "hit": number % 2} for number in range(200)]
        >>> found = intervals(lambda rows: {"hits": sum(row["hit"] for row in rows) / len(rows)}, rows)["hits"]
        >>> found.value, round(found.low, 1), round(found.high, 1)
        (0.5, 0.4, 0.6)
    """
    groups = by_sample(rows)
    if not groups:
        return {}
    values = summary(rows)
    drawn = _replicates(summary, list(groups.values()), _draws(len(groups), draws, seed))
    return {column: Interval(value, *_ends(drawn[column])) for column, value in values.items() if value is not None}


def differences(
    summary: Summary, first: Rows, second: Rows, draws: int = DRAWS, seed: int = 0
) -> dict[str, Difference]:
    """Return what the second model has more than the first in each column, on the samples that both have answered.

    Args:
        summary: The benchmark's.
        first: Scores of one model.
        second: Scores of the other.
        draws: Bootstrap samples.
        seed: Of the draws.

    Example:
        >>> one = [{"id": str(number), "hit": number % 2} for number in range(200)]
        >>> two = [{"id": str(number), "hit": 1} for number in range(200)]
        >>> found = differences(lambda rows: {"hits": sum(row["hit"] for row in rows) / len(rows)}, one, two)["hits"]
        >>> found.value, found.clear
        (0.5, True)
    """
    ours, theirs = by_sample(first), by_sample(second)
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        return {}
    chosen = _draws(len(common), draws, seed)
    sides = [[side[name] for name in common] for side in (ours, theirs)]
    before, after = (summary([row for rows in side for row in rows]) for side in sides)
    drawn_before, drawn_after = (_replicates(summary, side, chosen) for side in sides)
    found = {}
    for column, value in after.items():
        if value is None or before.get(column) is None:
            continue
        drawn = drawn_after[column] - drawn_before[column]
        found[column] = Difference(value - before[column], *_ends(drawn), _p(drawn), len(common))  # type: ignore[operator]
    return found


def by_sample(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each sample by its id, sorted by the id."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["id"], []).append(row)
    return dict(sorted(groups.items()))


def _draws(count: int, draws: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(count, size=(draws, count))


def _replicates(
    summary: Summary, groups: Sequence[Rows], chosen: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return each column over all draws; NaN where a draw says nothing about it."""
    drawn = [summary([row for index in draw for row in groups[index]]) for draw in chosen.tolist()]
    columns = dict.fromkeys(column for each in drawn for column in each)
    return {column: np.array([each.get(column) for each in drawn], np.float64) for column in columns}


def _ends(drawn: npt.NDArray[np.float64]) -> tuple[float, float]:
    beyond = (100 - _LEVEL) / 2
    low, high = np.nanpercentile(drawn, [beyond, 100 - beyond]) if not np.isnan(drawn).all() else (np.nan, np.nan)
    return float(low), float(high)


def _p(drawn: npt.NDArray[np.float64]) -> float:
    """Return the two-sided probability; a draw counts as one more, so that it is never 0."""
    known = drawn[~np.isnan(drawn)]
    rarer = min((known <= 0).sum(), (known >= 0).sum())
    return float(min(1.0, 2 * (rarer + 1) / (len(known) + 1)))
