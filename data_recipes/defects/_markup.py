"""Edits that HTML and SVG share: whole elements, found without a tree so that everything else stays as it is."""

from __future__ import annotations

import random
import re

from data_recipes.defects import Defect
from data_recipes.defects._edits import compiled, other_words


def element_lines(code: str, tags: str) -> list[re.Match[str]]:
    """Return the lines that hold one whole element of these tags."""
    pattern = rf"^[ \t]*<({tags})\b[^<>]*(?:/>|>.*</\1>)[ \t]*$\n?"
    return list(re.compile(pattern, re.MULTILINE).finditer(code))


def without_element(tags: str) -> Defect:
    """Return the defect that removes an element."""

    def remove(code: str, rng: random.Random) -> str | None:
        elements = element_lines(code, tags)
        if not elements:
            return None
        element = rng.choice(elements)
        return code[: element.start()] + code[element.end() :]

    return remove


def reordered(tags: str) -> Defect:
    """Return the defect that exchanges two elements."""

    def swap(code: str, rng: random.Random) -> str | None:
        elements = element_lines(code, tags)
        pairs = [(a, b) for a in elements for b in elements if a.start() < b.start() and a[0].strip() != b[0].strip()]
        if not pairs:
            return None
        a, b = rng.choice(pairs)
        return code[: a.start()] + b[0] + code[a.end() : b.start()] + a[0] + code[b.end() :]

    return swap


def doubled(tags: str) -> Defect:
    """Return the defect that repeats an element at the end of all of them."""

    def repeat(code: str, rng: random.Random) -> str | None:
        elements = element_lines(code, tags)
        if len(elements) < 2:
            return None
        again, last = rng.choice(elements[:-1]), elements[-1]
        return code[: last.end()] + again[0] + code[last.end() :]

    return repeat


def partial(tags: str) -> Defect:
    """Return the defect that keeps only the first elements."""

    def cut(code: str, rng: random.Random) -> str | None:
        elements = element_lines(code, tags)
        if len(elements) < 3:
            return None
        keep = rng.randint(1, len(elements) // 2)
        for element in reversed(elements[keep:]):
            code = code[: element.start()] + code[element.end() :]
        return code

    return cut


def other_text(pattern: str) -> Defect:
    """Return the defect that changes the words of an element."""
    found = compiled(pattern)

    def change(code: str, rng: random.Random) -> str | None:
        matches = [match for match in found.finditer(code) if match[1].strip()]
        if not matches:
            return None
        match = rng.choice(matches)
        return code[: match.start(1)] + other_words(match, rng) + code[match.end(1) :]

    return change
