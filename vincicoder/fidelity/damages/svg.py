"""Damage to SVG."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable

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

Box = tuple[float, float, float, float]

_ROOT = re.compile(r"<svg\b[^<>]*>")
_HIDDEN = re.compile(r"<(defs|clipPath|mask|pattern|symbol|marker|filter|style|linearGradient|radialGradient)\b[^<>]*>")
_LEAF = re.compile(r"<(?:rect|circle|ellipse|line|polyline|polygon|path|use)\b[^<>]*/>|<(text)\b[^<>]*>")
_TEXT = re.compile(r">\s*([^<>\s][^<>]*)</(?:text|tspan)>")
_COLOUR = re.compile(r"(?:fill|stroke|stop-color|color)(?:=\"|:\s*)(#[0-9a-fA-F]{3,6}\b|[a-z]{3,20}\b)")
_NUMBER = r"-?\d+(?:\.\d+)?"
_PARTS = (0.34, 0.67, 1.0)  # of elements that are moved or turned


def _colour(code: str, rng: random.Random, strength: int) -> str | None:
    return change_some(code, groups(_COLOUR, code), rng, strength, other_colour, (0.4, 0.7, 1.0))


def _text(code: str, rng: random.Random, strength: int) -> str | None:
    return wrong_letters(code, groups(_TEXT, code), rng, strength)


def _data(code: str, rng: random.Random, strength: int) -> str | None:
    return wrong_numbers(code, numbers_in(code, groups(_TEXT, code)), rng, strength)


def _geometry(code: str, rng: random.Random, strength: int) -> str | None:
    """Turn and shrink elements about the middle of the image."""
    if (box := _box(code)) is None:
        return None
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2

    def turn(element: str, rng: random.Random, strength: int) -> str:
        angle = rng.choice((-1, 1)) * (4, 12, 35)[strength - 1]
        factor = (0.94, 0.82, 0.55)[strength - 1]
        return _wrapped(element, f"translate({x:g} {y:g}) rotate({angle}) scale({factor}) translate({-x:g} {-y:g})")

    return change_some(code, _elements(code), rng, strength, turn, _PARTS)


def _layout(code: str, rng: random.Random, strength: int) -> str | None:
    """Move elements, each in a direction of its own."""
    if (box := _box(code)) is None:
        return None

    def move(element: str, rng: random.Random, strength: int) -> str:
        distance, angle = (0.03, 0.09, 0.25)[strength - 1] * math.hypot(box[2], box[3]), rng.uniform(0, 2 * math.pi)
        return _wrapped(element, f"translate({distance * math.cos(angle):.2f} {distance * math.sin(angle):.2f})")

    return change_some(code, _elements(code), rng, strength, move, _PARTS)


def _missing(code: str, rng: random.Random, strength: int) -> str | None:
    return without(code, _elements(code), rng, strength)


def _shift(code: str, rng: random.Random, strength: int) -> str | None:
    share = (0.02, 0.06, 0.18)[strength - 1]
    return _with_box(code, lambda x, y, w, h: (x - share * w, y - share * h, w, h))


def _style(code: str, rng: random.Random, strength: int) -> str | None:
    """Give shapes an outline, or a thicker one, and text another font."""
    if (box := _box(code)) is None:
        return None
    width = (0.006, 0.016, 0.04)[strength - 1] * min(box[2], box[3])

    def outline(element: str, rng: random.Random, strength: int) -> str:
        if element.startswith("<text"):
            return _with_attributes(element, {"font-family": "DejaVu Serif, serif", "font-style": "italic"})
        changed = _with_attributes(element, {"stroke-width": f"{width:.2f}"})
        return changed if "stroke=" in element else _with_attributes(changed, {"stroke": "#444444"})

    return change_some(code, _elements(code), rng, strength, outline, _PARTS)


def _background(code: str, rng: random.Random, strength: int) -> str | None:
    """Lay another colour over the background, more and more opaque."""
    if (box := _box(code)) is None or (root := _ROOT.search(code)) is None:
        return None
    x, y, width, height = box
    found = _background_rect(code)
    colour = tinted("#ffffff", rng, 3)
    rect = (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}" '
        f'fill-opacity="{(0.07, 0.25, 0.75)[strength - 1]}" stroke="none"/>'
    )
    place = found[1] if found else root.end()
    return code[:place] + rect + code[place:]


def _canvas(code: str, rng: random.Random, strength: int) -> str | None:
    """Widen the image and leave the new part empty."""
    factor = (1.08, 1.3, 1.9)[strength - 1]
    changed = _with_box(code, lambda x, y, w, h: (x, y, w * factor, h))
    root = None if changed is None else _ROOT.search(changed)
    if changed is None or root is None:
        return None
    wider = re.sub(rf'\bwidth="({_NUMBER})', lambda match: f'width="{scaled(match[1], factor)}', root[0], count=1)
    return changed[: root.start()] + wider + changed[root.end() :]


def _type(code: str, rng: random.Random, strength: int) -> str | None:
    """Make rectangles of circles, ellipses of rectangles, and lines of polygons and paths."""
    sites = [span for span in _elements(code) if not code.startswith(("<text", "<use", "<line", "<poly"), span[0])]
    if not sites:
        return None
    return replaced(code, [(span, _other_shape(code[slice(*span)])) for span in some(sites, rng, strength)])


def _partial(code: str, rng: random.Random, strength: int) -> str | None:
    return only_first(code, _elements(code), strength)


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


def _elements(code: str) -> list[Span]:
    """Return the shapes and texts that are shown, the background left out."""
    background = _background_rect(code)
    return [leaf for leaf in _shown(code) if leaf != background]


def _shown(code: str) -> list[Span]:
    hidden = elements(code, _HIDDEN)
    return [leaf for leaf in elements(code, _LEAF) if not any(a <= leaf[0] < b for a, b in hidden)]


def _background_rect(code: str) -> Span | None:
    """Return the first shape if it is a rectangle that fills the image."""
    box, shown = _box(code), _shown(code)
    first = code[slice(*shown[0])] if shown else ""
    if box is None or not first.startswith("<rect"):
        return None
    sizes = [_attribute(first, name) for name in ("width", "height")]
    full = [size == "100%" or _number(size) >= 0.99 * side for size, side in zip(sizes, box[2:], strict=True)]
    return shown[0] if all(full) else None


def _box(code: str) -> Box | None:
    """Return x, y, width and height of what is shown, in the units of the drawing."""
    root = _ROOT.search(code)
    if root is None:
        return None
    values = [float(each) for each in re.findall(_NUMBER, _attribute(root[0], "viewBox"))]
    if len(values) != 4:
        values = [0.0, 0.0, _number(_attribute(root[0], "width")), _number(_attribute(root[0], "height"))]
    return (values[0], values[1], values[2], values[3]) if min(values[2:]) > 0 else None


def _with_box(code: str, change: Callable[[float, float, float, float], Box]) -> str | None:
    box, root = _box(code), _ROOT.search(code)
    if box is None or root is None:
        return None
    text = " ".join(f"{round(value, 3):g}" for value in change(*box))
    return code[: root.start()] + _with_attributes(root[0], {"viewBox": text}) + code[root.end() :]


def _with_attributes(element: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        pattern = re.compile(rf'\s{name}="[^"]*"')
        text = f' {name}="{value}"'
        if pattern.search(element):
            element = pattern.sub(lambda match, text=text: text, element, count=1)  # type: ignore[misc]
        else:
            element = re.sub(r"^<[\w:]+", lambda match, text=text: match[0] + text, element, count=1)  # type: ignore[misc]
    return element


def _attribute(element: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', element)
    return found[1] if found else ""


def _number(text: str) -> float:
    found = re.match(_NUMBER, text)
    return float(found[0]) if found else 0.0


def _wrapped(element: str, transform: str) -> str:
    return f'<g transform="{transform}">{element}</g>'


def _other_shape(element: str) -> str:
    """Return an element of another shape at the same place."""
    rest = re.sub(r'^<\w+|/>$|\s(?:x|y|width|height|cx|cy|r|rx|ry|d)="[^"]*"', "", element)
    value = {name: _number(_attribute(element, name)) for name in ("x", "y", "width", "height", "cx", "cy", "r", "rx")}
    if element.startswith("<rect"):
        rx, ry = value["width"] / 2, value["height"] / 2
        return f'<ellipse cx="{value["x"] + rx:g}" cy="{value["y"] + ry:g}" rx="{rx:g}" ry="{ry:g}"{rest}/>'
    if element.startswith(("<circle", "<ellipse")):
        rx, ry = value["r"] or value["rx"], value["r"] or _number(_attribute(element, "ry"))
        x, y = value["cx"] - rx, value["cy"] - ry
        return f'<rect x="{x:g}" y="{y:g}" width="{2 * rx:g}" height="{2 * ry:g}"{rest}/>'
    path = _attribute(element, "d")
    straight = re.sub(r"[CcSsQqTtAa]", lambda match: "L" if match[0].isupper() else "l", path)
    numbers = re.findall(_NUMBER, straight)
    if straight != path and len(numbers) % 2 == 0:  # what steered a curve becomes a corner
        return f'<path d="{straight}"{rest}/>'
    outline = {"fill": "none", "stroke": "#555555", "stroke-dasharray": "3 3"}
    return _with_attributes(element, outline)
