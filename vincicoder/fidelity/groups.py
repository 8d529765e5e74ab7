"""Groups of answers as RL has them, and the noise of their rewards."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from vincicoder.fidelity.answers import AGAIN, DAMAGED, MEDIOCRE, PERFECT, SHIFTED

GROUP = 8
"""Answers in a group, as in RL."""

Rows = Sequence[Mapping[str, Any]]


def mixed_groups(rows: Rows) -> list[Rows]:
    """Return groups of 8 answers to one reference, such as a model gives: damage of all kinds and strengths in turn.

    The reference and the mediocre answers are among them. No answer is in two groups, and fewer than 8 that are left
    over are in none.

    Args:
        rows: Scored answers to one reference; see :class:`vincicoder.fidelity.runner.Fidelity`.

    Example:
        >>> rows = [{"reference": "a", "role": "damaged", "kind": "text", "strength": each} for each in range(20)]
        >>> [len(group) for group in mixed_groups(rows)]
        [8, 8]
    """
    answers = sorted(
        (row for row in rows if row["role"] in (PERFECT, DAMAGED, MEDIOCRE)),
        key=lambda row: (row["role"], row["kind"], row["strength"]),
    )
    random.Random(answers[0]["reference"] if answers else "").shuffle(answers)
    return [answers[place : place + GROUP] for place in range(0, len(answers) - GROUP + 1, GROUP)]


def noise_of(rows: Rows) -> float | None:
    """Return how far rewards of one reference move where no answer has changed; None if nothing tells.

    It is the root mean square of what answers gain or lose when they are rendered once more, or when their target is
    moved by one pixel, whichever is larger.

    Args:
        rows: Scored answers to one reference.

    Example:
        >>> perfect = {"role": "perfect", "kind": "", "strength": 0, "overall": 1.0}
        >>> noise_of([perfect, {**perfect, "role": "again"}, {**perfect, "role": "shifted", "overall": 0.75}])
        0.25
    """
    before = {(row["kind"], row["strength"]): row["overall"] for row in rows if row["role"] in (PERFECT, MEDIOCRE)}
    found = []
    for role in (AGAIN, SHIFTED):
        places = [((row["kind"], row["strength"]), row["overall"]) for row in rows if row["role"] == role]
        changes = [reward - before[place] for place, reward in places if place in before]
        if changes:
            found.append(math.sqrt(sum(each**2 for each in changes) / len(changes)))
    return max(found, default=None)
