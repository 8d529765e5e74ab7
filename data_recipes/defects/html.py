"""Defects of HTML and its CSS."""

from __future__ import annotations

import random
import re

from data_recipes.defects import Defect
from data_recipes.defects._edits import changing, other_colour, other_number, removing, replacing, swapping
from data_recipes.defects._markup import other_text, partial, reordered, without_element

_PARTS = "header|footer|div|p|h1|h2|h3|tr|li|label|button|nav|aside|article|img|span|a|td|section|form|table|ul"


def _broken_rule(code: str, rng: random.Random) -> str | None:
    """Leave out the brace that opens a rule: a browser then gives up that rule and the one behind it."""
    rules = list(re.finditer(r"^[^\n{}<>]+(\{)[^{}]*\}$", code, re.MULTILINE))
    if len(rules) < 2:
        return None
    rule = rng.choice(rules[:-1])
    return code[: rule.start(1)] + code[rule.end(1) :]


def _without_style(code: str, rng: random.Random) -> str | None:
    found = re.search(r"<style\b.*?</style>\n?", code, re.DOTALL)
    return code[: found.start()] + code[found.end() :] if found else None


DEFECTS: dict[str, Defect] = {
    "colour": changing(r"(?<!background): ?(#[0-9a-fA-F]{6})", other_colour),
    "background": changing(r"background(?:-color)?: ?(#[0-9a-fA-F]{6})", other_colour),
    "label": other_text(r">([^<>{}\n]{2,})</(?:h\d|p|li|td|th|a|b|button|label|span)>"),
    "title": other_text(r"<h1[^<>]*>([^<>]+)</h1>"),
    "number": changing(r"(?:width|height|font-size|border-radius): ?(\d+)(?:px|%)", other_number),
    "spacing": changing(r"(?:padding|margin|gap|margin-\w+): ?(\d+)px", other_number),
    "order": reordered(_PARTS),
    "swapped": swapping(r"<(?:h2|td|th|li|a|span|b|p)\b[^<>]*>([^<>]{2,})</"),
    "missing_element": without_element(_PARTS),
    "missing_rule": removing(r"^[^\n{}<>]+\{[^{}]*\}\n"),
    "layout": replacing(r"display: ?(flex|grid|block)", "block", "inline"),
    "alignment": changing(
        r"^(?:body|header|footer|\.\w+|form|table|article)[^\n{}]*\{( )", lambda match, rng: " text-align: right; "
    ),
    "font": changing(r"font-family: ?([^;}]+)", lambda match, rng: rng.choice(("monospace", "cursive"))),
    "heading": changing(r"<h[12][^<>]*>(?:<[^<>]+>)?([^<>]+)<", lambda match, rng: f"<small>{match[1]}</small>"),
    "hidden": changing(
        r"^(?:header|footer|\.\w+|form|table|nav|aside)[^\n{}]*\{( )", lambda match, rng: " display: none; "
    ),
    "partial": partial(_PARTS),
    "missing_style": _without_style,
    "syntax_error": _broken_rule,
}
"""Defects by name. A browser shows something for each."""
