r"""Damage to LaTeX: figures, plots, tables, formulas and text."""

from __future__ import annotations

import random
import re

from vincicoder.fidelity.damages import Damage
from vincicoder.fidelity.damages._edits import (
    Span,
    change_some,
    groups,
    only_first,
    replaced,
    scaled,
    tinted,
    without,
    wrong_letters,
    wrong_numbers,
)

_NAMES = ("blue", "red", "teal", "orange", "violet", "brown", "olive", "magenta", "cyan", "green", "purple", "gray",
          "yellow", "pink", "lime", "black")  # fmt: skip
_COLOUR = re.compile(rf"(?<=[=\[,{{ ])({'|'.join(_NAMES)})(?=[!,\]}}])")
_BODY = re.compile(r"\\begin\{document\}(.*)\\end\{document\}", re.DOTALL)
_TEXTS = (
    re.compile(r"\bnode\b[^;{}]{0,400}\{(?=[^{}\\$=]*[^\W\d_])([^{}\\$=]+)\}"),
    re.compile(r"(?:title|label|legendentry|legend|section\*?|textbf|emph|caption|textcolor\{\w+\})=?\{([^{}\\$]+)\}"),
    re.compile(r"(?:&|^)[ \t]*([^\W\d_](?:[^&\\{}$\n]*[^&\\{}$\n \t])?)[ \t]*(?=&|\\\\)", re.MULTILINE),
    re.compile(r"^([^\W\d_][^\\$&{}\[\]\n]{6,})", re.MULTILINE),
    re.compile(r"\\item\s+([^\\${}\n]+)"),
)
_POINT = re.compile(r"\(\s*(-?\d+(?:\.\d+)?)\s*([,:])\s*(-?\d+(?:\.\d+)?)\s*\)")
_PLOTTED = re.compile(r"coordinates\s*\{[^{}]*\}")
_PLOTTED_VALUE = re.compile(r"\([^(),]+,\s*(\d+(?:\.\d+)?)\)")
_CELL_NUMBER = re.compile(r"&\s*(?:\\textbf\{)?(\d+(?:\.\d+)?)(?=\}?\s*(?:&|\\\\))")
_FORMULA_NUMBER = re.compile(r"(?<=[ ^_{=+-])(\d+)(?=[ ,.;}\\^x$]|$)", re.MULTILINE)
_COMMAND = re.compile(
    r"^[ \t]*(?:\\(?:draw|node|addplot3?|fill|filldraw|path|foreach|addlegendentry|item)\b|child\b).*$\n?", re.MULTILINE
)
_ROW = re.compile(r"^.*\\\\(?:\[[^\]]*\])?[ \t]*$\n?", re.MULTILINE)
_SENTENCE = re.compile(r"^[^\\\n%&][^\n]*$\n?", re.MULTILINE)
_OTHER_SHAPE = {
    "circle": "rectangle", "rectangle": "circle", "diamond": "circle", "ybar": "xbar", "->": "-", "<-": "-",
    " -- ": " to[bend left] ", r"\int": r"\sum", r"\sum": r"\prod", r"\frac": r"\binom", "mark=*": "only marks",
    "smooth": "const plot", "surf": "mesh", r"\nabla": r"\Delta", "pmatrix": "vmatrix", "=": r"\neq", "thick": "dotted",
}  # fmt: skip
_SHAPE = re.compile(
    r"\[(circle|rectangle|diamond|->|<-)|(?<=\\draw)[^;\n]*?( -- )|\b(ybar|smooth|surf|mark=\*|thick)\b(?=[,\] ])"
    r"|(\\int|\\sum|\\frac|\\nabla)(?![a-zA-Z])|(?<=&)(=)"
)
_FONTS = (r"\sffamily", r"\sffamily\bfseries\boldmath", r"\ttfamily\bfseries\boldmath\LARGE")


def _colour(code: str, rng: random.Random, strength: int) -> str | None:
    sites = groups(_COLOUR, code)
    if not sites:
        shade = tinted("#000000", rng, strength).lstrip("#").upper()
        return _at_start(code, rf"\color[HTML]{{{shade}}}", "xcolor")

    def other(name: str, rng: random.Random, strength: int) -> str:
        another = rng.choice([each for each in _NAMES if each != name])
        return another if strength == 3 else f"{name}!{(70, 35)[strength - 1]}!{another}"

    return change_some(code, sites, rng, strength, other, (0.4, 0.7, 1.0))


def _text(code: str, rng: random.Random, strength: int) -> str | None:
    first, last = _body(code)
    sites = {place for pattern in _TEXTS for span in groups(pattern, code) for place in range(*span)}
    shown = sorted(place for place in sites if first <= place < last)
    return wrong_letters(code, [(place, place + 1) for place in shown], rng, strength)


def _data(code: str, rng: random.Random, strength: int) -> str | None:
    """Change plotted values, or else numbers in tables, or else numbers in formulas."""
    plotted = [match.span() for match in _PLOTTED.finditer(code)]
    sites = [site for site in groups(_PLOTTED_VALUE, code) if any(a <= site[0] < b for a, b in plotted)]
    first, last = _body(code)
    if not sites:
        sites = groups(_CELL_NUMBER, code)
    if not sites and "tikzpicture" not in code:
        sites = [site for site in groups(_FORMULA_NUMBER, code) if first <= site[0] < last]
    return wrong_numbers(code, sites, rng, strength)


def _geometry(code: str, rng: random.Random, strength: int) -> str | None:
    """Move the points of a drawing."""
    plotted = [match.span() for match in _PLOTTED.finditer(code)]
    first, last = _body(code)
    points = [match.span() for match in _POINT.finditer(code, first, last)]
    free = [point for point in points if not any(a <= point[0] < b for a, b in plotted)]

    def move(point: str, rng: random.Random, strength: int) -> str:
        found = _POINT.match(point)
        assert found is not None
        distance = (0.1, 0.3, 1.0)[strength - 1]
        angle = found[2] == ":"  # in degrees, then the distance
        x = float(found[1]) + rng.choice((-1, 1)) * distance * (25 if angle else 1)
        y = float(found[3]) + rng.choice((-1, 1)) * distance
        return f"({x:.2f}{found[2]}{y:.2f})"

    return change_some(code, free, rng, strength, move, (0.4, 0.7, 1.0))


def _layout(code: str, rng: random.Random, strength: int) -> str | None:
    """Stretch a figure or a table in one direction."""
    factor = (1.12, 1.4, 2.2)[strength - 1]
    width = re.compile(r"\bwidth=(\d+(?:\.\d+)?)")
    apart = re.compile(r"\bnode distance=(\d+(?:\.\d+)?)")
    if apart.search(code):
        return replaced(code, [(span, scaled(code[slice(*span)], factor)) for span in groups(apart, code)])
    if r"\begin{axis}" in code:
        return replaced(code, [(span, scaled(code[slice(*span)], factor)) for span in groups(width, code)])
    if r"\begin{tikzpicture}" in code:
        start = r"\begin{tikzpicture}"
        changed = code.replace(f"{start}[", f"{start}[xscale={factor}, ", 1)
        return code.replace(start, f"{start}[xscale={factor}]", 1) if changed == code else changed
    if "tabular" in code:
        stretch = rf"\setlength{{\tabcolsep}}{{{6 * factor:.1f}pt}}\renewcommand{{\arraystretch}}{{{factor}}}"
        return _at_start(code, stretch)
    apart_lines = rf"\setlength{{\jot}}{{{(8, 20, 50)[strength - 1]}pt}}\linespread{{{factor}}}\selectfont "
    return _at_start(code, apart_lines)


def _missing(code: str, rng: random.Random, strength: int) -> str | None:
    return without(code, _parts(code), rng, strength)


def _shift(code: str, rng: random.Random, strength: int) -> str | None:
    """Put empty space before the figure."""
    return _at_start(code, rf"\hspace*{{{(2, 8, 30)[strength - 1]}mm}}")


def _style(code: str, rng: random.Random, strength: int) -> str | None:
    """Change the font and the width of lines."""
    lines = rf"\tikzset{{every picture/.append style={{line width={(1.2, 2, 4)[strength - 1]}pt}}}}"
    drawn = any(word in code for word in ("tikzpicture", "tikzcd"))
    return _at_start(code, (lines if drawn else "") + _FONTS[strength - 1] + " ")


def _background(code: str, rng: random.Random, strength: int) -> str | None:
    colour = tinted("#ffffff", rng, strength).lstrip("#").upper()
    return _at_start(code, rf"\pagecolor[HTML]{{{colour}}}", "xcolor")


def _canvas(code: str, rng: random.Random, strength: int) -> str | None:
    """Make the page wider or higher than what it holds."""
    more = (3, 12, 50)[strength - 1]
    _, last = _body(code)
    return rf"{code[:last].rstrip()}\hspace*{{{more}mm}}\rule[-{more}mm]{{0pt}}{{1mm}}" + f"\n{code[last:]}"


def _type(code: str, rng: random.Random, strength: int) -> str | None:
    first, last = _body(code)
    matches = [match for match in _SHAPE.finditer(code, first, last) if match.lastindex]
    sites = [match.span(match.lastindex or 0) for match in matches]
    return change_some(code, sites, rng, strength, lambda text, rng, strength: _OTHER_SHAPE[text])


def _partial(code: str, rng: random.Random, strength: int) -> str | None:
    return only_first(code, _parts(code), strength)


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


def _body(code: str) -> Span:
    found = _BODY.search(code)
    return found.span(1) if found else (0, len(code))


def _parts(code: str) -> list[Span]:
    """Return the lines that can be left out: commands, rows or sentences that nothing else needs."""
    first, last = _body(code)
    for pattern in (_COMMAND, _ROW, _SENTENCE):
        lines = [match for match in pattern.finditer(code, first, last) if _free(match[0], code)]
        if len(lines) >= 3:
            return [match.span() for match in lines]
    return []


def _free(line: str, code: str) -> bool:
    """Whether a line closes what it opens, and names no node that another line speaks of."""
    closed = all(line.count(a) == line.count(b) for a, b in ("{}", "[]")) and r"\begin" not in line
    named = re.search(r"\\node\b[^{}]*?\(([A-Za-z][\w ]*)\)", line)
    return closed and (named is None or len(re.findall(rf"(?:\(|of ){re.escape(named[1])}\b", code)) < 2)


def _at_start(code: str, commands: str, package: str = "") -> str:
    """Put commands before what a document shows, and a package into its preamble."""
    start = r"\begin{document}"
    if start not in code:  # a snippet, whose preamble has all that is needed here
        return f"{commands}{code}"
    load = rf"\usepackage{{{package}}}" if package and not re.search(r"xcolor|tikz|pgfplots", code) else ""
    return code.replace(start, f"{load}{start}{commands}", 1)
