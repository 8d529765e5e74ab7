"""Defects of SVG."""

from __future__ import annotations

import random
import re

from data_recipes.defects import Defect
from data_recipes.defects._edits import change_one, changing, compiled, other_colour, other_number, removing
from data_recipes.defects._markup import doubled, other_text, partial, reordered, without_element

_DRAWN = "rect|circle|ellipse|polygon|path|line|text|polyline|g"
_SHAPES = 'circle|ellipse|polygon|path|line|text|polyline|rect(?! width="(?:240|320)" height="(?:240|320)")'
_NUMBER = r"-?(?:\d+(?:\.\d+)?|\.\d+)"
_COLOUR = r"(?:fill|stroke|stop-color)=\"(#[0-9a-fA-F]{6})\""
_PLACE = r"\s(?:x|y|cx|cy|x1|y1|x2|y2)=\"(\d+(?:\.\d+)?)\""
_SIZE = r"(?<!svg) (?:r|rx|ry|stroke-width|font-size)=\"(\d+(?:\.\d+)?)\""


def _other_shape(code: str, rng: random.Random) -> str | None:
    """Turn a circle into a square or a rectangle into an ellipse of the same size."""

    def change(match: re.Match[str], rng: random.Random) -> str:
        values = dict(re.findall(r"([\w-]+)=\"([^\"]*)\"", match[0]))
        rest = " ".join(f'{name}="{value}"' for name, value in values.items() if name not in _MEASURES)
        try:
            number = {name: float(values.get(name, 0)) for name in _MEASURES}
        except ValueError:  # a percentage, or another unit
            return match[0]
        if match[0].startswith("<circle"):
            side = 2 * number["r"]
            left, top = number["cx"] - number["r"], number["cy"] - number["r"]
            return f'<rect x="{left:g}" y="{top:g}" width="{side:g}" height="{side:g}" {rest}/>'
        wide, tall = number["width"] / 2, number["height"] / 2
        left, top = number["x"] + wide, number["y"] + tall
        return f'<ellipse cx="{left:g}" cy="{top:g}" rx="{wide:g}" ry="{tall:g}" {rest}/>'

    return change_one(code, _CONVERTIBLE, rng, change)


_MEASURES = ("x", "y", "cx", "cy", "r", "rx", "ry", "width", "height")
_CONVERTIBLE = compiled(r"<(?:circle|rect(?=[^<>]*\sx=\"))[^<>]*/>")


def _into_element(addition: str) -> Defect:
    """Return the defect that adds an attribute to a shape."""
    pattern = compiled(rf"<(?:{_SHAPES})(?![^<>]*(?:transform|opacity)=)([ ])[^<>]*>")
    return lambda code, rng: change_one(code, pattern, rng, lambda match, rng: f" {addition} ")


def _other_view(match: re.Match[str], rng: random.Random) -> str:
    left, top, width, height = map(float, match[1].replace(",", " ").split())
    scale = rng.choice((0.6, 0.75, 1.4))
    return f"{left + width * 0.1:g} {top:g} {width * scale:g} {height * scale:g}"


def _doubled_elsewhere(code: str, rng: random.Random) -> str | None:
    """Repeat an element at another place."""
    again = doubled(_SHAPES)(code, rng)
    if again is None:
        return None
    place = again.rfind("<", 0, again.rfind("</svg>"))
    if again.startswith("</", place):  # the end tag of a text
        place = again.rfind("<", 0, place)
    tag = re.compile(r"<\w+").match(again, place)
    return f'{again[: tag.end()]} transform="translate(-24 22)"{again[tag.end() :]}' if tag else None


DEFECTS: dict[str, Defect] = {
    "colour": changing(_COLOUR, other_colour),
    "position": changing(_PLACE, other_number),
    "size": changing(_SIZE, other_number),
    "extent": changing(r"<(?:rect|ellipse)[^<>]* x=\"[^<>]* width=\"(\d+)\"", other_number),
    "label": other_text(r"<text\b[^<>]*>\s*([^<>]+?)\s*</text>"),
    "order": reordered(_SHAPES),
    "missing_element": without_element(_SHAPES),
    "shape": _other_shape,
    "view": changing(rf"viewBox=\"({_NUMBER}(?:[ ,]+{_NUMBER}){{3}})\"", _other_view),
    "rotated": _into_element('transform="rotate(25)"'),
    "moved": _into_element('transform="translate(30 -25)"'),
    "opacity": _into_element('opacity="0.25"'),
    "double": _doubled_elsewhere,
    "fill": changing(r"fill=\"(#[0-9a-fA-F]{6})\"", lambda match, rng: "none"),
    "points": changing(r"points=\"[^\"]*?(\d+(?:\.\d+)?)[ ,]", other_number),
    "partial": partial(_SHAPES),
    "unclosed": removing(r"</(?:svg|text|defs|g|linearGradient)>"),
    "syntax_error": changing(rf"<(?:{_DRAWN})\b[^<>]*?(=\")", lambda match, rng: "="),
}
"""Defects by name. The last two end in no image at all."""
