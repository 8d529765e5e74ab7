"""Damage to Python: charts by matplotlib, seaborn and plotly, and molecules by RDKit.

What is written in the code is changed there. What is not, such as a background that nobody set, is changed by lines
that are put before the statement that shows or stores the figure.
"""

from __future__ import annotations

import random
import re

from vincicoder.fidelity.damages import Damage
from vincicoder.fidelity.damages._edits import (
    change_some,
    only_first,
    other_colour,
    replaced,
    scaled,
    tinted,
    without,
    wrong_letters,
    wrong_numbers,
)
from vincicoder.fidelity.damages._python_code import Program

_FIGURE = "import matplotlib.pyplot as _plt\n_figure = _plt.gcf()\n"
_FEWER_MARKS = """\
_marks = [each for axes in _figure.axes for each in (*axes.patches, *axes.lines, *axes.collections)]
_random = __import__("random").Random({seed})
_random.shuffle(_marks)
for _mark in _marks[: max(1, round({share} * len(_marks)))]:
    if hasattr(_mark, "set_marker"):
        _mark.set(linestyle="None" if _mark.get_linestyle() not in ("None", "") else "-", marker="x", markersize=9)
    elif hasattr(_mark, "get_height"):
        _mark.set_visible(False)
        _x, _y = _mark.get_x() + _mark.get_width() / 2, _mark.get_y() + _mark.get_height()
        _mark.axes.plot([_x], [_y], "D", color=_mark.get_facecolor(), markersize=12)
    else:
        _mark.set(facecolor="none", edgecolor="#555555", hatch="//")
"""
_STYLES = (
    "for _text in _figure.findobj(_texts.Text):\n    _text.set_fontfamily('serif')\n",
    "for _axes in _figure.axes:\n    _axes.set_axisbelow(True)\n    _axes.grid(True, color='#888888')\n"
    "    for _line in _axes.lines:\n        _line.set_linewidth(1.8 * _line.get_linewidth())\n",
    "for _text in _figure.findobj(_texts.Text):\n    _text.set_fontsize(1.6 * _text.get_fontsize())\n"
    "for _axes in _figure.axes:\n    for _mark in (*_axes.patches, *_axes.collections):\n"
    "        _mark.set(hatch='xx', linewidth=3)\n    for _line in _axes.lines:\n        _line.set_linestyle(':')\n",
)
_PLOTLY_STYLES = (
    "font_family='serif'",
    "font=dict(family='serif', size=15), template='ggplot2'",
    "font=dict(family='monospace', size=22), template='plotly_dark'",
)
_MOLECULE_SIZE = re.compile(r"(?:\bsize=\(|subImgSize=\(|DrawCairo\()\s*(\d+)")
_BOND_WIDTH = re.compile(r"bondLineWidth\s*=\s*(\d+(?:\.\d+)?)")
_ATOM = re.compile(r"(?<![\[@A-Za-z])(O(?![a-z\d])|N(?!\d)|S(?![a-z\d])|F|Cl|Br|C(?![a-z\d(=@]))(?![^\[]*\])")
_OTHER_ATOM = {"O": "S", "S": "O", "N": "P", "F": "Cl", "Cl": "Br", "Br": "F", "C": "CC"}


def _colour(code: str, rng: random.Random, strength: int) -> str | None:
    return change_some(code, Program(code).colours(), rng, strength, other_colour, (0.4, 0.7, 1.0))


def _text(code: str, rng: random.Random, strength: int) -> str | None:
    return wrong_letters(code, Program(code).texts(), rng, strength)


def _data(code: str, rng: random.Random, strength: int) -> str | None:
    """Change plotted values, or atoms of a molecule."""
    program = Program(code)
    if smiles := program.smiles():
        atoms = [match.span(1) for start, end in smiles for match in _ATOM.finditer(code, start, end)]
        return change_some(code, atoms, rng, strength, lambda atom, rng, strength: _OTHER_ATOM[atom])
    return wrong_numbers(code, program.data(), rng, strength)


def _geometry(code: str, rng: random.Random, strength: int) -> str | None:
    """Let the axes reach further, so that all that is plotted shrinks."""
    more = (0.06, 0.3, 1.2)[strength - 1]
    lines = f"_low, _high = _axes.get_ylim()\n    _axes.set_ylim(_low, _high + {more} * (_high - _low))"
    return _in_figure(code, f"for _axes in _figure.axes:\n    {lines}\n")


def _layout(code: str, rng: random.Random, strength: int) -> str | None:
    """Make axes smaller within the figure, or the margins wider."""
    factor = (0.94, 0.8, 0.5)[strength - 1]
    lines = (
        "for _axes in _figure.axes:\n    _box = _axes.get_position()\n"
        f"    _axes.set_position([_box.x0, _box.y0, {factor} * _box.width, {factor} * _box.height])\n"
    )
    margin = (110, 170, 260)[strength - 1]
    return _in_figure(code, lines, f".update_layout(margin=dict(l={margin}, r={margin // 2}, t={margin}, b=80))")


def _missing(code: str, rng: random.Random, strength: int) -> str | None:
    return without(code, Program(code).drawing_statements(), rng, strength)


def _shift(code: str, rng: random.Random, strength: int) -> str | None:
    """Move all axes up and to the right."""
    move = (0.015, 0.05, 0.16)[strength - 1]
    lines = (
        "for _axes in _figure.axes:\n    _box = _axes.get_position()\n"
        f"    _axes.set_position([_box.x0 + {move}, _box.y0 + {move}, _box.width, _box.height])\n"
    )
    return _in_figure(code, lines)


def _style(code: str, rng: random.Random, strength: int) -> str | None:
    lines = "import matplotlib.text as _texts\n" + "".join(_STYLES[:strength])
    changed = _in_figure(code, lines, f".update_layout({_PLOTLY_STYLES[strength - 1]})")
    if changed is None:
        width = (2, 4, 9)[strength - 1]
        sites = [match.span(1) for match in _BOND_WIDTH.finditer(code)]
        return replaced(code, [((start, end), scaled(code[start:end], width)) for start, end in sites])
    return changed


def _background(code: str, rng: random.Random, strength: int) -> str | None:
    colour = tinted("#ffffff", rng, strength)
    lines = f"_figure.set_facecolor('{colour}')\nfor _axes in _figure.axes:\n    _axes.set_facecolor('{colour}')\n"
    return _in_figure(code, lines, f".update_layout(paper_bgcolor='{colour}', plot_bgcolor='{colour}')")


def _canvas(code: str, rng: random.Random, strength: int) -> str | None:
    """Make the figure wider."""
    factor = (1.1, 1.35, 2)[strength - 1]
    lines = f"_width, _height = _figure.get_size_inches()\n_figure.set_size_inches({factor} * _width, _height)\n"
    changed = _in_figure(code, lines, f".update_layout(width={factor} * ({{name}}.layout.width or 700))")
    if changed is None:
        sites = [match.span(1) for match in _MOLECULE_SIZE.finditer(code)]
        return replaced(code, [((start, end), str(round(int(code[start:end]) * factor))) for start, end in sites])
    return changed


def _type(code: str, rng: random.Random, strength: int) -> str | None:
    """Plot with other marks: points for bars, crosses for lines, outlines for areas."""
    share = (0.2, 0.5, 1)[strength - 1]
    return _in_figure(code, _FEWER_MARKS.format(seed=rng.randrange(1000), share=share))


def _partial(code: str, rng: random.Random, strength: int) -> str | None:
    return only_first(code, Program(code).drawing_statements(), strength)


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


def _in_figure(code: str, lines: str, plotly: str = "") -> str | None:
    """Put lines before the statement that shows a figure of matplotlib, or a call on a figure of plotly."""
    program = Program(code)
    if program.tree is None:
        return None
    place, name = program.output()
    if "plotly" in code:
        return f"{code[:place]}{name}{plotly.format(name=name)}\n{code[place:]}" if plotly and name else None
    if not re.search(r"\b(?:matplotlib|seaborn)\b", code):
        return None
    before = "" if code[:place].endswith("\n") or not place else "\n"
    return f"{code[:place]}{before}{_FIGURE}{lines}{code[place:]}"
