"""Graded damage to the code of references, made by program: one file a language, a dozen kinds and more in all.

A kind of damage takes code, random numbers and a strength, and returns code that differs, or None where the code has
nothing that it could damage. The random numbers are the same at every strength: a stronger damage holds the weaker one
and adds to it, so that a good reward falls from strength to strength. Whether the difference shows is not known here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from vincicoder.languages import get_language
from vincicoder.registry import Registry

Damage = Callable[[str, random.Random, int], "str | None"]

DAMAGES: Registry[Mapping[str, Damage]] = Registry("set of damages", "vincicoder.fidelity.damages", "DAMAGES")
"""The kinds of damage of each language by their names; the names of the sets are the languages'."""

STRENGTHS = (1, 2, 3)
"""Slight, clear, gross."""

CHAIN = "chain"
"""The kind that does slight damage of several other kinds: two at strength 1, four at 2, six at 3."""

LONGEST_CODE = 40_000
"""Characters. Longer code is not damaged: searching it would take too long."""

_CHAINED = {1: 2, 2: 4, 3: 6}
_MEDIOCRE = 3  # kinds of damage at strength 2 that make an answer mediocre


def ladders(code: str, language: str, name: str) -> Iterator[tuple[str, dict[int, str]]]:
    """Yield each kind of damage that the code allows, with the damaged code by strength.

    A strength that gives the same code as a weaker one is left out.

    Args:
        code: The reference's code, without a fence.
        language: Name or alias of its language; one without damages yields nothing.
        name: The reference's; what is random depends on it and on the kind alone.

    Example:
        >>> code = '<svg viewBox="0 0 9 9"><circle cx="4" cy="4" r="3" fill="#cc0000"/></svg>'
        >>> dict(ladders(code, "svg", "dot"))["shift"][1]
        '<svg viewBox="-0.18 -0.18 9 9"><circle cx="4" cy="4" r="3" fill="#cc0000"/></svg>'
    """
    kinds = _kinds(language)
    if not kinds or len(code) > LONGEST_CODE:
        return
    for kind in kinds:
        found = {strength: damage(code, language, kind, strength, name) for strength in STRENGTHS}
        yield from _ladder(code, kind, found)
    yield from _ladder(code, CHAIN, {strength: _chained(code, language, strength, name) for strength in STRENGTHS})


def damage(code: str, language: str, kind: str, strength: int, name: str) -> str | None:
    """Return the code with damage of one kind, or None where there is nothing to damage.

    Example:
        >>> damage("<svg></svg>", "svg", "text", 3, "empty") is None
        True
    """
    changed = _kinds(language)[kind](code, random.Random(f"{name}/{kind}"), strength)
    return None if changed == code else changed


def mediocre(code: str, language: str, name: str, number: int = 0) -> str | None:
    """Return an honest answer of middling quality: clear damage of three kinds at once, or None where that fails.

    Args:
        code: The reference's code.
        language: Name or alias of its language.
        name: The reference's.
        number: Which of the many answers.

    Example:
        >>> mediocre("<svg></svg>", "svg", "empty") is None
        True
    """
    kinds = list(_kinds(language))
    random.Random(f"{name}/mediocre/{number}").shuffle(kinds)
    return _after(code, language, kinds, _MEDIOCRE, 2, name) if len(code) <= LONGEST_CODE else None


def _kinds(language: str) -> Mapping[str, Damage]:
    name = get_language(language).name
    return DAMAGES.get(name) if name in DAMAGES else {}


def _chained(code: str, language: str, strength: int, name: str) -> str | None:
    kinds = list(_kinds(language))
    random.Random(f"{name}/{CHAIN}").shuffle(kinds)
    return _after(code, language, kinds, _CHAINED[strength], 1, name)


def _after(code: str, language: str, kinds: list[str], count: int, strength: int, name: str) -> str | None:
    """Return the code after ``count`` of the kinds, in their order; None if fewer can be had."""
    for kind in kinds:
        changed = damage(code, language, kind, strength, name)
        if changed is None:
            continue
        code, count = changed, count - 1
        if count == 0:
            return code
    return None


def _ladder(code: str, kind: str, found: Mapping[int, str | None]) -> Iterator[tuple[str, dict[int, str]]]:
    kept: dict[int, str] = {}
    for strength, changed in found.items():
        if changed is not None and changed != code and changed not in kept.values():
            kept[strength] = changed
    if kept:
        yield kind, kept
