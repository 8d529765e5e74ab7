"""Damage to HTML and its CSS."""

from __future__ import annotations

import random
import re

from vincicoder.fidelity.damages import Damage
from vincicoder.fidelity.damages._edits import (
    Span,
    change_some,
    elements,
    groups,
    numbers_in,
    only_first,
    other_colour,
    replaced,
    scaled,
    some,
    tinted,
    without,
    wrong_letters,
    wrong_numbers,
)

_HIDDEN = re.compile(r"<(style|script|head|svg)\b[^<>]*>")
_STYLE = re.compile(r"<(style)\b[^<>]*>|\sstyle=\"[^\"]*\"")
_TEXT = re.compile(r">\s*([^<>\s][^<>]*)<")
_LEAF = re.compile(
    r"<(p|h[1-6]|li|td|th|a|b|i|em|strong|button|label|span|small|dt|dd|div|figcaption|option)\b[^<>]*>([^<>]*)</\1>"
)
_COLOUR = re.compile(r"[:\s(,](#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b)")
_BODY_COLOUR = re.compile(r"\bbody\s*\{[^{}]*background(?:-color)?:\s*(#[0-9a-fA-F]{3,6}\b|[a-z]+\b)")
_PIXELS = re.compile(r"[:\s](\d+(?:\.\d+)?)px")
_PLACED = re.compile(
    r"(?:display|float|text-align|justify-content|align-items|flex-direction):\s*"
    r"(flex|grid|inline-block|inline-flex|left|right|center|space-between|space-around|row|column)\b"
)
_OTHER_PLACE = {
    "flex": "block", "grid": "block", "inline-block": "block", "inline-flex": "block", "left": "right",
    "right": "left", "center": "right", "space-between": "flex-end", "space-around": "flex-start", "row": "column",
    "column": "row",
}  # fmt: skip
_STYLES = (
    "font-style: italic !important; letter-spacing: 0.4px !important;",
    "font-style: italic !important; font-family: monospace !important; border-radius: 14px !important;",
    "font-family: monospace !important; font-weight: bold !important; text-decoration: underline !important; "
    "letter-spacing: 2px !important; border-radius: 30px !important; box-shadow: 3px 3px 0 #777 !important;",
)


def _colour(code: str, rng: random.Random, strength: int) -> str | None:
    body = {match.span(1) for match in _BODY_COLOUR.finditer(code)}
    sites = [(a, b) for start, end in _styles(code) for a, b in groups(_COLOUR, code) if start <= a < end]
    return change_some(code, [site for site in sites if site not in body], rng, strength, other_colour, (0.3, 0.6, 1.0))


def _text(code: str, rng: random.Random, strength: int) -> str | None:
    return wrong_letters(code, _texts(code), rng, strength)


def _data(code: str, rng: random.Random, strength: int) -> str | None:
    return wrong_numbers(code, numbers_in(code, _texts(code)), rng, strength)


def _geometry(code: str, rng: random.Random, strength: int) -> str | None:
    """Make sizes, paddings and fonts larger or smaller."""

    def resize(number: str, rng: random.Random, strength: int) -> str:
        factor = (1.2, 1.6, 2.4)[strength - 1]
        return scaled(number, rng.choice((factor, 1 / factor)))

    sites = [(a, b) for start, end in _styles(code) for a, b in groups(_PIXELS, code) if start <= a < end]
    return change_some(code, sites, rng, strength, resize, (0.25, 0.6, 1.0))


def _layout(code: str, rng: random.Random, strength: int) -> str | None:
    """Arrange boxes in another way, and squeeze the page into a column."""
    sites = [(a, b) for start, end in _styles(code) for a, b in groups(_PLACED, code) if start <= a < end]
    width = (96, 80, 50)[strength - 1]
    if strength > 1 and sites:  # another arrangement of even one box is no slight damage
        code = change_some(code, sites, rng, strength, _elsewhere) or code
    return _styled(code, f"body {{ max-width: {width}% !important; }}")


def _missing(code: str, rng: random.Random, strength: int) -> str | None:
    return without(code, _leaves(code), rng, strength)


def _shift(code: str, rng: random.Random, strength: int) -> str | None:
    pixels = (8, 30, 120)[strength - 1]
    return _styled(code, f"body {{ position: relative; left: {pixels}px; top: {pixels}px; }}")


def _style(code: str, rng: random.Random, strength: int) -> str | None:
    return _styled(code, f"body * {{ {_STYLES[strength - 1]} }}")


def _background(code: str, rng: random.Random, strength: int) -> str | None:
    found = _BODY_COLOUR.search(code)
    colour = tinted(found[1] if found else "white", rng, strength)
    return _styled(code, f"html, body {{ background: {colour} !important; }}")


def _canvas(code: str, rng: random.Random, strength: int) -> str | None:
    """Make the page longer than what it holds."""
    more = (60, 250, 800)[strength - 1]
    longer = _before_end(code, f'<div style="height: {more}px; clear: both"></div>')
    return _styled(longer, f"html {{ min-height: calc(100vh + {more}px); }}")


def _type(code: str, rng: random.Random, strength: int) -> str | None:
    """Make buttons of what is text, and fields of what is a button."""
    leaves = [match for match in _LEAF.finditer(code) if match.span() in set(_leaves(code)) and match[2].strip()]
    if not leaves:
        return None

    def other(match: re.Match[str]) -> str:
        return f'<input value="{match[2].strip()}">' if match[1] == "button" else f"<button>{match[2]}</button>"

    chosen = some(leaves, rng, strength)
    return replaced(code, [(each.span() if each[1] == "button" else each.span(2), other(each)) for each in chosen])


def _partial(code: str, rng: random.Random, strength: int) -> str | None:
    return only_first(code, _leaves(code), strength)


def _elsewhere(place: str, rng: random.Random, strength: int) -> str:
    return _OTHER_PLACE[place]


DAMAGES: dict[str, Damage] = {
    "colour": _colour,
    "text": _text,
    "data": _data,
    "geometry": _geometry,
    "layout": _layout,
    "missing": _missing,
    "shift": _shift,
    "style": _style,
    "background": _background,
    "canvas": _canvas,
    "type": _type,
    "partial": _partial,
}


def _hidden(code: str) -> list[Span]:
    return elements(code, _HIDDEN)


def _styles(code: str) -> list[Span]:
    return elements(code, _STYLE)


def _texts(code: str) -> list[Span]:
    """Return the shown texts; character references such as ``&amp;`` are left out of them."""
    hidden, found = _hidden(code), []
    for start, end in groups(_TEXT, code):
        if any(a <= start < b for a, b in hidden):
            continue
        words = re.finditer(r"&#?\w+;|[^&]+|&", code[start:end])
        found += [(start + each.start(), start + each.end()) for each in words if not each[0].startswith("&")]
    return found


def _leaves(code: str) -> list[Span]:
    hidden = _hidden(code)
    return [m.span() for m in _LEAF.finditer(code) if not any(a <= m.start() < b for a, b in hidden)]


def _styled(code: str, css: str) -> str:
    """Return the page with one more rule, which is the last."""
    return _before_end(code, f"<style>{css}</style>")


def _before_end(code: str, markup: str) -> str:
    place = code.rfind("</body>")
    place = len(code) if place < 0 else place
    return f"{code[:place]}{markup}\n{code[place:]}"
