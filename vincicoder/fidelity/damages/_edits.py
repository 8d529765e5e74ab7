"""Edits that the damages of several languages are made of."""

from __future__ import annotations

import colorsys
import random
import re
import string
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from PIL import ImageColor

Span = tuple[int, int]
T = TypeVar("T")

_SHARE = (0.2, 0.5, 1.0)  # of the places that are damaged, by strength
_LETTERS = (0.15, 0.5, 1.0)  # of letters that are wrong
_TURN = (40, 90, 160)  # of the hue, in degrees
_GREY_MOVE = (0.15, 0.35, 0.6)  # of the lightness of what has no hue
_FACTOR = (0.1, 0.3, 0.8)  # how far numbers are off
_TINT = (0.07, 0.25, 0.75)  # of another colour in a background
_OTHER_SCRIPT = "天地人大小上下山水火"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

_TABLEAU = {
    "tab:blue": "#1f77b4", "tab:orange": "#ff7f0e", "tab:green": "#2ca02c", "tab:red": "#d62728",
    "tab:purple": "#9467bd", "tab:brown": "#8c564b", "tab:pink": "#e377c2", "tab:gray": "#7f7f7f",
    "tab:olive": "#bcbd22", "tab:cyan": "#17becf",
}  # fmt: skip


def replaced(code: str, changes: Iterable[tuple[Span, str]]) -> str:
    """Return the code with the text of each span replaced; spans must not overlap.

    Example:
        >>> replaced("a b c", [((0, 1), "x"), ((4, 5), "z")])
        'x b z'
    """
    for (start, end), text in sorted(changes, reverse=True):
        code = code[:start] + text + code[end:]
    return code


def some(sites: Sequence[T], rng: random.Random, strength: int, shares: Sequence[float] = _SHARE) -> list[T]:
    """Return a share of the sites, at least one; a stronger share holds the weaker one.

    Example:
        >>> weak, strong = (some(range(10), random.Random(1), strength) for strength in (1, 2))
        >>> len(weak), len(strong), set(weak) <= set(strong)
        (2, 5, True)
    """
    order = list(sites)
    rng.shuffle(order)
    return order[: max(1, round(len(order) * shares[strength - 1]))]


def change_some(
    code: str,
    sites: Sequence[Span],
    rng: random.Random,
    strength: int,
    change: Callable[[str, random.Random, int], str],
    shares: Sequence[float] = _SHARE,
) -> str | None:
    """Change the text of a share of the sites; each has random numbers of its own that no strength changes."""
    if not sites:
        return None
    chosen, seed = some(sites, rng, strength, shares), rng.random()
    return replaced(
        code,
        [((start, end), change(code[start:end], random.Random(f"{seed}/{start}"), strength)) for start, end in chosen],
    )


def without(code: str, sites: Sequence[Span], rng: random.Random, strength: int) -> str | None:
    """Remove a share of at least three sites; some always stay."""
    if len(sites) < 3:
        return None
    gone = some(sites, rng, strength, (0.15, 0.4, 0.75))
    return replaced(code, [(span, "") for span in gone])


def only_first(code: str, sites: Sequence[Span], strength: int) -> str | None:
    """Keep the first three quarters, half or quarter of at least four sites, as an answer that ends early does."""
    if len(sites) < 4:
        return None
    kept = round(len(sites) * (0.75, 0.5, 0.25)[strength - 1])
    return replaced(code, [(span, "") for span in sites[kept:]])


def groups(pattern: re.Pattern[str], code: str) -> list[Span]:
    """Return the spans of a pattern's first group, or of whole matches where it has none."""
    group = 1 if pattern.groups else 0
    return [match.span(group) for match in pattern.finditer(code) if match[group]]


def elements(code: str, opening: re.Pattern[str]) -> list[Span]:
    r"""Return the spans from openings up to the next closing tag; they do not overlap.

    Unlike ``<(tag)>.*?</\1>``, this takes no longer where tags are never closed.

    Args:
        code: The markup.
        opening: Its first group is the name of the tag that must be closed; None for a match that is whole.

    Example:
        >>> elements("<b>x</b> <i/> <b>", re.compile("<(b)>|<i/>"))
        [(0, 8), (9, 13)]
    """
    found: list[Span] = []
    place, never_closed = 0, set[str]()
    while match := opening.search(code, place):
        start, place = match.span()
        tag = match[1]
        if tag is not None:
            end = -1 if tag in never_closed else code.find(f"</{tag}>", place)
            if end < 0:
                never_closed.add(tag)
                continue
            place = end + len(f"</{tag}>")
        found.append((start, place))
    return found


def other_colour(colour: str, rng: random.Random, strength: int) -> str:
    """Return a colour whose hue, or lightness where it has no hue, is off; what is no colour is returned as it is.

    Example:
        >>> other_colour("#cc0000", random.Random(0), 2)
        '#66cc00'
    """
    try:
        red, green, blue = (value / 255 for value in ImageColor.getrgb(_TABLEAU.get(colour, colour))[:3])
    except ValueError:
        return colour
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < 0.15 or not 0.03 < light < 0.97:
        move = _GREY_MOVE[strength - 1]
        hue, saturation, light = rng.random(), 0.6, light - move if light > 0.5 else light + move
    else:
        hue += rng.choice((-1, 1)) * _TURN[strength - 1] / 360
    return _hex(colorsys.hls_to_rgb(hue % 1, light, saturation))


def tinted(colour: str, rng: random.Random, strength: int) -> str:
    """Return a background's colour with more and more of another one; white where the colour cannot be read.

    Example:
        >>> tinted("#ffffff", random.Random(0), 1)
        '#f4eff4'
    """
    try:
        old = [value / 255 for value in ImageColor.getrgb(_TABLEAU.get(colour, colour))[:3]]
    except ValueError:
        old = [1.0, 1.0, 1.0]
    other = colorsys.hls_to_rgb(rng.random(), 0.25 if sum(old) > 1.5 else 0.75, 0.6)
    share = _TINT[strength - 1]
    return _hex([a * (1 - share) + b * share for a, b in zip(old, other, strict=True)])


def wrong_letters(code: str, texts: Sequence[Span], rng: random.Random, strength: int) -> str | None:
    """Replace letters of the shown texts by others of the same kind: 15 %, half or all of them."""
    letters = [place for start, end in texts for place in range(start, end) if code[place].isalpha()]
    return change_some(code, [(place, place + 1) for place in letters], rng, strength, _other_letter, _LETTERS)


def wrong_numbers(code: str, sites: Sequence[Span], rng: random.Random, strength: int) -> str | None:
    """Change a share of the numbers by some 10 %, 30 % or 80 %."""
    return change_some(code, sites, rng, strength, off)


def numbers_in(code: str, texts: Sequence[Span]) -> list[Span]:
    """Return the spans of numbers in some spans of the code."""
    return [match.span() for start, end in texts for match in _NUMBER.finditer(code, start, end)]


def off(number: str, rng: random.Random, strength: int) -> str:
    """Return a number that is off, with as many decimals.

    Example:
        >>> off("40", random.Random(1), 2), off("1.50", random.Random(1), 1)
        ('28', '1.35')
    """
    value, decimals = float(number), len(number.partition(".")[2])
    sign = rng.choice((-1, 1))
    unit = 10.0**-decimals
    changed = value * (1 + sign * _FACTOR[strength - 1])
    if abs(changed - value) < unit * strength:  # too small a number to show a change of some per cent
        changed = value + unit * strength
    return f"{changed:.{decimals}f}"


def scaled(number: str, factor: float) -> str:
    """Return a number times a factor, as short as may be.

    Example:
        >>> scaled("200", 1.3), scaled("0.25", 3)
        ('260', '0.75')
    """
    return f"{round(float(number) * factor, 3):g}"


def _other_letter(letter: str, rng: random.Random, strength: int) -> str:
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase):
        if letter in alphabet:
            return rng.choice(alphabet.replace(letter, ""))
    return rng.choice(_OTHER_SCRIPT.replace(letter, ""))


def _hex(rgb: Iterable[float]) -> str:
    # Rounded twice, since Python's versions differ in the last bit of colorsys and a half must fall on one side in all.
    levels = (round(round(min(max(value, 0.0), 1.0) * 255, 6)) for value in rgb)
    return "#" + "".join(f"{level:02x}" for level in levels)
