"""Edits that the defects of several languages are made of."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from data_recipes.engine.words import PALETTES, PLACES, SUBJECTS

Pattern = re.Pattern[str]
Change = Callable[["re.Match[str]", random.Random], str]


def compiled(pattern: str) -> Pattern:
    """Return a pattern in which ``^`` and ``$`` match at lines."""
    return re.compile(pattern, re.MULTILINE)


def change_one(code: str, pattern: Pattern, rng: random.Random, change: Change) -> str | None:
    """Replace the first group of one match, chosen at random, or the whole of it; None if nothing changes.

    Matches in which the group took no part do not count.
    """
    group = 1 if pattern.groups else 0
    matches = [match for match in pattern.finditer(code) if match[group] is not None]
    if not matches:
        return None
    match = rng.choice(matches)
    changed = code[: match.start(group)] + change(match, rng) + code[match.end(group) :]
    return changed if changed != code else None


def changing(pattern: str, change: Change) -> Callable[[str, random.Random], str | None]:
    """Return the defect that changes one match of a pattern."""
    found = compiled(pattern)
    return lambda code, rng: change_one(code, found, rng, change)


def replacing(pattern: str, *others: str) -> Callable[[str, random.Random], str | None]:
    """Return the defect that puts one of ``others`` in the place of one match."""

    def change(match: re.Match[str], rng: random.Random) -> str:
        text = match[1] if match.re.groups else match[0]
        return rng.choice([other for other in others if other != text])

    return changing(pattern, change)


def removing(pattern: str) -> Callable[[str, random.Random], str | None]:
    """Return the defect that removes one match."""
    return changing(pattern, lambda match, rng: "")


def swapping(pattern: str) -> Callable[[str, random.Random], str | None]:
    """Return the defect that exchanges the first groups of two matches."""
    found = compiled(pattern)

    def swap(code: str, rng: random.Random) -> str | None:
        matches = list(found.finditer(code))
        distinct = [(a, b) for a in matches for b in matches if a.end() <= b.start() and a[1] != b[1]]
        if not distinct:
            return None
        a, b = rng.choice(distinct)
        return code[: a.start(1)] + b[1] + code[a.end(1) : b.start(1)] + a[1] + code[b.end(1) :]

    return swap


def other_colour(match: re.Match[str], rng: random.Random) -> str:
    """Return a hexadecimal colour that is not near the one that was matched."""
    old = match[1].lstrip("#").lower()
    rgb = [int(old[place : place + 2], 16) for place in (0, 2, 4)] if len(old) == 6 else [128] * 3
    choices = [colour for palette in PALETTES for colour in palette if _distance(colour, rgb) > 120]
    return rng.choice(choices)


def _distance(colour: str, rgb: list[int]) -> int:
    return sum(abs(int(colour[place : place + 2], 16) - old) for place, old in zip((1, 3, 5), rgb, strict=True))


def other_number(match: re.Match[str], rng: random.Random) -> str:
    """Return a number that is clearly larger or smaller."""
    old = float(match[1])
    new = old * rng.choice((0.3, 0.45, 1.8, 2.5)) if old else 10.0
    return f"{new:.0f}" if "." not in match[1] else f"{new:.2f}"


def other_words(match: re.Match[str], rng: random.Random) -> str:
    """Return words that are not the ones that were matched."""
    return rng.choice([word for word in (*SUBJECTS, *PLACES) if word != match[1]])


def cut_short(code: str, rng: random.Random, first: int, last: int) -> str | None:
    """Remove the second half, or so, of the lines from ``first`` up to ``last``."""
    lines = code.split("\n")
    if last - first < 3:
        return None
    kept = first + max(1, round((last - first) * rng.uniform(0.3, 0.6)))
    return "\n".join(lines[:kept] + lines[last:])
