"""Defects of Python: charts and molecules."""

from __future__ import annotations

import random
import re

from data_recipes.defects import Defect
from data_recipes.defects._edits import (
    changing,
    compiled,
    cut_short,
    other_colour,
    other_number,
    other_words,
    removing,
    replacing,
    swapping,
)

_LIST = compiled(r"\[((?:\s*-?\d+(?:\.\d+)?\s*,){2,}\s*-?\d+(?:\.\d+)?\s*)\]")
_TYPES = {
    "bar": ("barh", "plot", "scatter"),
    "barh": ("bar",),
    "plot": ("scatter", "bar", "step"),
    "scatter": ("plot",),
    "step": ("plot", "bar"),
    "hist": ("boxplot",),
    "boxplot": ("violinplot",),
    "fill_between": ("stackplot",),
}
_TAKEN_BY_ALL = re.compile(
    r",\s*(?!color=|label=|alpha=|c=)\w+=(?:'[^']*'|\"[^\"]*\"|\([^()]*\)|\{[^{}]*\}|[^,()\[\]]+)(?=[,)])"
)
_DRAWING = (
    r"(?:ax\w*|plt|left|right)\.(?:bar|barh|plot|scatter|step|hist|fill_between|errorbar|pie|fill|axvline|axhline)"
)
_SMILES_ATOM = r"(?:MolFromSmiles\(|\[)'[^']*?(?<![\[A-Za-z@+-])([CNOS])(?![a-z])[^']*'"


def _reversed_list(code: str, rng: random.Random) -> str | None:
    matches = list(_LIST.finditer(code))
    if not matches:
        return None
    match = rng.choice(matches)
    items = [item.strip() for item in match[1].split(",")]
    return f"{code[: match.start(1)]}{', '.join(items[::-1])}{code[match.end(1) :]}" if items != items[::-1] else None


def _wrong_type(code: str, rng: random.Random) -> str | None:
    """Exchange one drawing call, and drop the arguments that only the old one takes."""
    calls = list(re.finditer(r"^([ \t]*(?:\w+ = )?(?:ax\w*|plt|left)\.)(\w+)(\(.*\))$", code, re.MULTILINE))
    known = [call for call in calls if call[2] in _TYPES]
    if not known:
        return None
    call = rng.choice(known)
    arguments = _TAKEN_BY_ALL.sub("", call[3])
    return f"{code[: call.start(2)]}{rng.choice(_TYPES[call[2]])}{arguments}{code[call.end() :]}"


def _before_showing(*lines: str) -> Defect:
    """Return the defect that adds one of the lines before the chart is shown."""
    shown = compiled(r"^(?:plt\.tight_layout|plt\.show|plt\.savefig|fig\.savefig).*$")

    def add(code: str, rng: random.Random) -> str | None:
        match = shown.search(code)
        if match is None or not re.search(r"^(?:fig, )?ax\b.*=", code, re.MULTILINE):
            return None
        return f"{code[: match.start()]}{rng.choice(lines)}\n{code[match.start() :]}"

    return add


def _partial(code: str, rng: random.Random) -> str | None:
    """Remove the later part of what is drawn, but still show it."""
    lines = code.split("\n")
    first = next((number for number, line in enumerate(lines) if re.match(rf"\s*(?:\w+ = )?{_DRAWING}\(", line)), None)
    last = next((number for number, line in enumerate(lines) if line.startswith(("plt.tight", "plt.show"))), None)
    if first is None or last is None:
        return None
    return cut_short(code, rng, first + 1, last)


def _runtime_error(code: str, rng: random.Random) -> str | None:
    lines = code.split("\n")
    places = [number for number, line in enumerate(lines) if re.match(r"(?:ax|plt|drawer|image|options)\b", line)]
    if not places:
        return None
    number = rng.choice(places)
    head, _, rest = lines[number].partition(".")
    lines[number] = f"{head}.{rng.choice(('draw_all', 'apply', 'set_values'))}().{rest}" if rest else f"{head}_"
    return "\n".join(lines)


def _syntax_error(code: str, rng: random.Random) -> str | None:
    places = [match.start() for match in re.finditer(r"\)\s*$", code, re.MULTILINE)]
    if not places:
        return None
    place = rng.choice(places)
    return code[:place] + code[place + 1 :]


DEFECTS: dict[str, Defect] = {
    "colour": changing(r"['\"](#[0-9a-fA-F]{6})['\"]", other_colour),
    "label": changing(r"(?:label=|set_[xy]label\(|[xy]label\()['\"]([^'\"]{2,})['\"]", other_words),
    "title": changing(r"title\(['\"]([^'\"]{2,})['\"]", other_words),
    "tick_label": changing(r"[\[,] ?['\"]([^'\"#]{2,})['\"](?=[,\]])", other_words),
    "number": changing(r"(?:\[|, )(-?\d+(?:\.\d+)?)(?=, |\])", other_number),
    "order": _reversed_list,
    "swapped": swapping(r"[\[,] ?('[^'#]{2,}')(?=[,\]])"),
    "missing_element": removing(rf"^(?:\w+ = )?{_DRAWING}\(.*\)$\n?"),
    "missing_text": removing(r"^ax\.(?:set_title|legend|set_xlabel|set_ylabel|bar_label)\(.*\)$\n?"),
    "chart_type": _wrong_type,
    "axis": _before_showing("ax.invert_yaxis()", "ax.invert_xaxis()", "ax.set_ylim(-150, 250)", "ax.set_axis_off()"),
    "layout": changing(r"figsize=\((.*?)\)", lambda match, rng: rng.choice(("3, 6", "12, 3", "10, 9"))),
    "line_style": replacing(r"(?:linestyle|marker|fmt)=('[^']*')", "'-'", "':'", "'x'"),
    "size": changing(r"(?:linewidth|markersize|width|fontsize|bondLineWidth|[, (]s) ?= ?(\d+(?:\.\d+)?)", other_number),
    "partial": _partial,
    "atom": changing(_SMILES_ATOM, lambda match, rng: rng.choice([each for each in "CNOS" if each != match[1]])),
    "molecule": changing(
        r"MolFromSmiles\('([^']*)'\)", lambda match, rng: f"{match[1]}.{rng.choice(('CCO', 'c1ccccc1'))}"
    ),
    "canvas": changing(r"(?:size=|Size=|Cairo)\((\d+), \d+\)", other_number),
    "option": removing(r"^options\..*$\n?"),
    "runtime_error": _runtime_error,
    "syntax_error": _syntax_error,
}
"""Defects by name. The last two end in no image at all."""
