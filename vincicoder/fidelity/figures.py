"""How often a reward is right, from scored answers: shares and means with bootstrap intervals over references.

Each figure is a ratio of two sums over references. So a reference is counted once (`tally`), and the references are
drawn again by :mod:`vincicoder.evaluation.statistics`.
"""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vincicoder.evaluation.statistics import DRAWS, Difference, Interval, differences, intervals
from vincicoder.fidelity.answers import AGAIN, DAMAGED, HACK, MEDIOCRE, PERFECT, SHIFTED, by_reference
from vincicoder.fidelity.damages import STRENGTHS
from vincicoder.fidelity.groups import GROUP, Rows, mixed_groups, noise_of
from vincicoder.fidelity.hacks import RASTER_LIKE, STUFFED
from vincicoder.reward.spread import spread
from vincicoder.status import Fault, Status

MARGIN = 0.005
"""The least difference that survives noise."""

NOTICED = 0.9
"""Share of the answers of a strength that must lose more than the noise, for the strength to count as noticed."""

Tally = dict[str, list[float]]

_SLIGHT, _GROSS = 1, 3
_GROUPS = (("weak", 3), ("middling", 2), ("strong", 1))  # and the strength of their answers
_LEAST_GROUP = 4
_EPSILON = 1e-9  # sums of floats that should be equal are not always

COLUMNS = {
    "pairs": "of two strengths of one kind of damage, the weaker scores higher",
    "pairs_by_margin": f"the same, by more than {MARGIN}",
    "ladders": "the score falls from strength to strength",
    "balance": "strength 3 of one kind scores below strength 1 of every other",
    "balance_text": "the same, where strength 3 is of the text",
    "balance_data": "the same, where strength 3 is of the data",
    "hacks": "a hack scores below an honest mediocre answer",
    "hacks_without_raster": "the same, without the hacks that copy pixels",
    "unrelated": "mean of another reference in the language",
    "mediocre": "mean of clear damage of three kinds",
    "slight": "mean of damage of strength 1",
    "perfect": "mean of the reference",
    "spread_weak": f"standard deviation in groups of {GROUP} answers of strength 3",
    "spread_middling": "of strength 2",
    "spread_strong": "of strength 1 and the reference",
    "again": "what the reference loses when it is rendered once more",
    "shifted": "what the reference loses when the target is moved by one pixel",
    "noise": "how far rewards move when an answer is rendered again or its target is moved by one pixel",
    "below_noise": f"of groups of {GROUP} mixed answers, the standard deviation is below twice the noise",
    "below_noise_strong": "the same, of strength 1 and the reference",
}
"""The figures, and what each says. Shares and means are in [0, 1]."""

SHARES = ("pairs", "pairs_by_margin", "ladders", "balance", "balance_text", "balance_data", "hacks",
          "hacks_without_raster", "below_noise", "below_noise_strong")  # fmt: skip
"""The figures that are shares: of pairs, ladders, hacks or groups."""


@dataclass(frozen=True)
class Misjudgement:
    """Two answers of which the worse one scores higher, or not lower.

    Attributes:
        why: What should hold.
        better: The answer that should score higher.
        worse: The answer that should score lower.
    """

    why: str
    better: Mapping[str, Any]
    worse: Mapping[str, Any]

    @property
    def gap(self) -> float:
        """How much the worse one scores more."""
        return float(self.worse["overall"] - self.better["overall"])


def figures(rows: Rows, draws: int = DRAWS) -> dict[str, Interval]:
    """Return every figure that these answers say something about, with its interval.

    Args:
        rows: Scored answers; see :class:`vincicoder.fidelity.runner.Fidelity`.
        draws: Bootstrap samples.

    Example:
        >>> rows = [
        ...     {"reference": "a", "role": "damaged", "kind": "text", "strength": 1, "overall": 0.9, "status": "ok"},
        ...     {"reference": "a", "role": "damaged", "kind": "text", "strength": 2, "overall": 0.8, "status": "ok"},
        ... ]
        >>> figures(rows)["pairs"].value
        1.0
    """
    return intervals(summed, _tallies(rows), draws)


def compared(first: Rows, second: Rows, draws: int = DRAWS) -> dict[str, Difference]:
    """Return what the second reward has more than the first in each figure, on the same draws of references."""
    return differences(summed, _tallies(first), _tallies(second), draws)


def by_kind(rows: Rows) -> dict[str, dict[str, float | None]]:
    """Return for each kind of damage its number of pairs, the share ranked right, and how it is noticed.

    ``drop`` is the mean of what an answer of strength 1 loses, ``unseen`` the share that loses less than `MARGIN`.
    ``noticed_1`` to ``noticed_3`` are the shares of each strength that lose more than the reference's noise, and
    ``least`` is the smallest strength from which on these are at least `NOTICED`; None if there is none.
    """
    found = {}
    noticed = {strength: f"noticed_{strength}" for strength in STRENGTHS}
    for kind in sorted({row["kind"] for row in rows if row["role"] == DAMAGED}):
        tally: Tally = {}
        for group in by_reference(honest(rows)).values():
            of_kind = [row for row in group if row["kind"] == kind]
            _count_ladders(tally, of_kind)
            perfect, noise = _overall(group, PERFECT), noise_of(group)
            for row in of_kind if perfect else ():
                drop = perfect[0] - row["overall"]
                if noise is not None:
                    _add(tally, noticed[row["strength"]], drop > noise + _EPSILON)
                if row["strength"] == _SLIGHT:
                    _add(tally, "drop", drop)
                    _add(tally, "unseen", drop < MARGIN)
        shares = _ratios(tally, ("pairs", "drop", "unseen", *noticed.values()))
        found[kind] = {"n": tally.get("pairs", [0.0, 0.0])[1], **shares, "least": _least(shares, noticed)}
    return found


def counts(rows: Rows) -> dict[str, int]:
    """Return how many references, answers, pairs and pairs with hacks there are, and what is left out.

    ``left_out`` are answers whose damage does not render or does not show, and ``same_image`` pairs of two strengths
    that are one image, which no reward of images can rank.
    """
    kept = honest(rows)
    tallies = _tallies(rows)
    total = {name: sum(row["tally"].get(name, (0, 0))[1] for row in tallies) for name in ("pairs", "hacks")}
    return {
        "references": len(by_reference(rows)),
        "answers": len(rows),
        "left_out": len(rows) - len(kept),
        "pairs": round(total["pairs"]),
        "same_image": sum(_look_alike(*pair) for group in by_reference(kept).values() for pair in _strengths(group)),
        "hack_pairs": round(total["hacks"]),
    }


def misjudgements(rows: Rows, count: int = 10) -> list[Misjudgement]:
    """Return the worst of them, at most one for each worse answer."""
    found: dict[str, Misjudgement] = {}
    for group in by_reference(honest(rows)).values():
        for why, better, worse in (*_pairs(group), *_balance(group), *_hack_pairs(group)):
            each = Misjudgement(why, better, worse)
            name = f"{worse['reference']}/{worse['kind']}"
            if each.gap >= 0 and (name not in found or found[name].gap < each.gap):
                found[name] = each
    return sorted(found.values(), key=lambda each: each.gap, reverse=True)[:count]


def honest(rows: Rows) -> Rows:
    """Return the answers that are what they are meant to be.

    Damage that does not render, or that does not show, is none. A hack that a guard stops is one all the same.

    Example:
        >>> honest([{"reference": "a", "role": "damaged", "status": "syntax_error"}])
        []
    """
    targets = {row["reference"]: row.get("render_key") for row in rows if row["role"] == PERFECT}
    kept = []
    for row in rows:
        shown = row.get("render_key") is None or row["render_key"] != targets.get(row["reference"])
        if row["role"] == HACK:
            kept += [row] if Status(row["status"]).fault in (Fault.NONE, Fault.RESPONSE) else []
        elif row["status"] == Status.OK.value and (shown or row["role"] not in (DAMAGED, MEDIOCRE)):
            kept.append(row)
    return kept


def tally(rows: Rows) -> Tally:
    """Return numerator and denominator of every figure for the answers to one reference."""
    found: Tally = {}
    _count_ladders(found, rows)
    for _, better, worse in _balance(rows):
        right = _higher(better, worse)
        _add(found, "balance", right)
        if worse["kind"] in ("text", "data"):
            _add(found, f"balance_{worse['kind']}", right)
    for _, better, worse in _hack_pairs(rows):
        right = _higher(better, worse)
        _add(found, "hacks", right)
        if worse["kind"] not in RASTER_LIKE:
            _add(found, "hacks_without_raster", right)
    perfect = _overall(rows, PERFECT)
    for row in rows:
        if row["role"] == HACK and row["kind"] == "unrelated":
            _add(found, "unrelated", row["overall"])
        elif row["role"] in (MEDIOCRE, PERFECT):
            _add(found, row["role"], row["overall"])
        elif row["role"] == DAMAGED and row["strength"] == _SLIGHT:
            _add(found, "slight", row["overall"])
        elif row["role"] in (AGAIN, SHIFTED) and perfect and not row["kind"]:
            _add(found, row["role"], perfect[0] - row["overall"])
    _count_groups(found, rows, perfect)
    return found


def _count_groups(found: Tally, rows: Rows, perfect: list[float]) -> None:
    """Count the spread of groups, and how many of them spread less than twice the noise."""
    noise = noise_of(rows)
    if noise is not None:
        _add(found, "noise", noise)
        for each in mixed_groups(rows):
            _add(found, "below_noise", spread([[row["overall"] for row in each]], noise).below_noise)
    for name, strength in _GROUPS:
        group = [row["overall"] for row in rows if row["role"] == DAMAGED and row["strength"] == strength]
        group += perfect if strength == _SLIGHT else []
        random.Random(name).shuffle(group)
        if len(group) >= _LEAST_GROUP:
            _add(found, f"spread_{name}", statistics.pstdev(group[:GROUP]))
            if strength == _SLIGHT and noise is not None:
                _add(found, "below_noise_strong", spread([group[:GROUP]], noise).below_noise)


def summed(tallies: Rows) -> dict[str, float | None]:
    """Return every figure of some references; None for one that they say nothing about."""
    return ratios(tallies, COLUMNS)


def ratios(tallies: Rows, names: Iterable[str]) -> dict[str, float | None]:
    """Return what tallies of references come to.

    Args:
        tallies: For each reference ``tally``, which has the numerator and the denominator of each name.
        names: What is wanted; None for one that no tally has.

    Example:
        >>> ratios([{"tally": {"pairs": [1, 2]}}, {"tally": {"pairs": [2, 2]}}], ["pairs", "hacks"])
        {'pairs': 0.75, 'hacks': None}
    """
    total: Tally = {}
    for row in tallies:
        for name, (numerator, denominator) in row["tally"].items():
            entry = total.setdefault(name, [0.0, 0.0])
            entry[0] += numerator
            entry[1] += denominator
    return _ratios(total, names)


def _tallies(rows: Rows) -> list[dict[str, Any]]:
    groups = by_reference(honest(rows))
    return [{"id": name, "tally": tally(group)} for name, group in groups.items()]


def _count_ladders(found: Tally, rows: Rows) -> None:
    falls: dict[str, bool] = {}
    for _, better, worse in _pairs(rows):
        right = _higher(better, worse)
        _add(found, "pairs", right)
        _add(found, "pairs_by_margin", better["overall"] - worse["overall"] > MARGIN)
        falls[worse["kind"]] = falls.get(worse["kind"], True) and right
    for each in falls.values():
        _add(found, "ladders", each)


def _pairs(rows: Rows) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    for weak, strong in _strengths(rows):
        if not _look_alike(weak, strong):
            yield f"{weak['kind']}: strength {weak['strength']} above {strong['strength']}", weak, strong


def _strengths(rows: Rows) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the answers with the same kind of damage at two strengths, the weaker one first."""
    damaged = sorted((row for row in rows if row["role"] == DAMAGED), key=lambda row: row["strength"])
    for weak, strong in itertools.combinations(damaged, 2):
        if weak["kind"] == strong["kind"] and weak["strength"] < strong["strength"]:
            yield weak, strong


def _look_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers are one image, such as where a chart draws fewer bars than the damage took away."""
    return one.get("render_key") is not None and one["render_key"] == other.get("render_key")


def _balance(rows: Rows) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    damaged = [row for row in rows if row["role"] == DAMAGED]
    for gross in (row for row in damaged if row["strength"] == _GROSS):
        for slight in (row for row in damaged if row["strength"] == _SLIGHT and row["kind"] != gross["kind"]):
            yield f"slight {slight['kind']} above gross {gross['kind']}", slight, gross


def _hack_pairs(rows: Rows) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield hacks with mediocre answers; the stuffed answer only with the one that was stuffed."""
    honest = [row for row in rows if row["role"] == MEDIOCRE]
    for hack in (row for row in rows if row["role"] == HACK):
        for each in honest:
            if hack["kind"] != STUFFED or each["kind"].endswith("-0"):
                yield f"{each['kind']} above {hack['kind']}", each, hack


def _least(shares: Mapping[str, float | None], noticed: Mapping[int, str]) -> float | None:
    """Return the smallest strength from which on damage is noticed; strengths that nobody has count for nothing."""
    least = None
    for strength in sorted(noticed, reverse=True):
        share = shares[noticed[strength]]
        if share is not None and share < NOTICED:
            break
        least = least if share is None else float(strength)
    return least


def _higher(better: Mapping[str, Any], worse: Mapping[str, Any]) -> bool:
    return bool(better["overall"] > worse["overall"] + _EPSILON)


def _overall(rows: Rows, role: str) -> list[float]:
    return [float(row["overall"]) for row in rows if row["role"] == role]


def _add(found: Tally, name: str, value: float) -> None:
    entry = found.setdefault(name, [0.0, 0.0])
    entry[0] += float(value)
    entry[1] += 1.0


def _ratios(found: Tally, names: Iterable[str]) -> dict[str, float | None]:
    return {name: found[name][0] / found[name][1] if name in found else None for name in names}
