"""Defects of LaTeX: TikZ, plots, tables and formulas."""

from __future__ import annotations

import random
import re

from data_recipes.defects import Defect
from data_recipes.defects._edits import changing, compiled, other_number, other_words, removing, replacing, swapping

_COLOURS = "blue|red|teal|orange|violet|brown|olive|magenta|cyan|green|purple"
_COMMAND = r"^\s*\\(?:draw|node|addplot|fill|path|filldraw)\b.*;[ \t]*$\n?"
_BODY = re.compile(r"(?<=\\begin\{document\}\n)(.*)(?=\n\\end\{document\})", re.DOTALL)
_PACKAGE = r"^\\usepackage(?:\[.*\])?\{(?:tikz|pgfplots|booktabs|amsmath|xcolor|circuitikz|chemfig)\}$\n?"


def _partial(code: str, rng: random.Random) -> str | None:
    """Keep only the first commands of a figure, or the first rows of a table."""
    matches = list(compiled(_COMMAND).finditer(code)) or list(compiled(r"^.*&.*\\\\[ \t]*$\n?").finditer(code))
    if len(matches) < 3:
        return None
    for match in reversed(matches[rng.randint(1, len(matches) // 2) :]):
        code = code[: match.start()] + code[match.end() :]
    return code


def _scaled(code: str, rng: random.Random) -> str | None:
    """Stretch a figure, or what else the document shows, in one direction."""
    x, y = rng.choice(((0.5, 1), (1.8, 1), (1, 0.5), (1, 1.8)))
    start = "\\begin{tikzpicture}"
    if f"{start}\n" in code and "\\begin{axis}" not in code:
        return code.replace(f"{start}\n", f"{start}[xscale={x}, yscale={y}]\n", 1)
    body = _BODY.search(code)
    if body is None or "\\usepackage" not in code:
        return None
    box = f"\\scalebox{{{x}}}[{y}]{{%\n{body[1]}%\n}}"
    changed = code[: body.start()] + box + code[body.end() :]
    return changed.replace("\\begin{document}", "\\usepackage{graphicx}\n\\begin{document}", 1)


def _framed(code: str, rng: random.Random) -> str | None:
    body = _BODY.search(code)
    if body is None:
        return None
    return f"{code[: body.start()]}\\fbox{{%\n{body[1]}%\n}}{code[body.end() :]}"


def _font(code: str, rng: random.Random) -> str | None:
    size = rng.choice(("\\tiny", "\\Huge", "\\LARGE\\bfseries", "\\footnotesize\\itshape\\sffamily"))
    changed = code.replace("\\begin{document}\n", f"\\begin{{document}}{size}\n", 1)
    return changed if changed != code else None


def _added(code: str, rng: random.Random) -> str | None:
    """Put words behind what is shown that do not belong there."""
    word = rng.choice(("Draft", "Figure 1", "Untitled"))
    changed = code.replace("\n\\end{document}", f" {word}\n\\end{{document}}", 1)
    return changed if changed != code else None


DEFECTS: dict[str, Defect] = {
    "colour": replacing(rf"(?<=[=\[, ])({_COLOURS})\b", *_COLOURS.split("|")),
    "label": changing(r"(?:\\node.*|node )\{([^{}$\\]{2,})\}", other_words),
    "title": changing(r"(?:title|[xy]label)=\{([^{}]{2,})\}", other_words),
    "number": changing(r"[,(](\d+(?:\.\d+)?)\)", other_number),
    "cell": changing(r"(?:&|^)\s*([\w.]+(?: \w+)?)\s*(?=&|\\\\)", other_words),
    "order": swapping(r"^(.*&.*)\\\\[ \t]*$"),
    "swapped": swapping(r"(?:\\node.*|node )\{([^{}\\]{1,})\};?"),
    "missing_element": removing(_COMMAND),
    "missing_row": removing(r"^.*&.*\\\\[ \t]*$\n?"),
    "line_style": replacing(r"\b(very thick|dashed, thick|thick|dashed)\b", "ultra thick", "dotted", "line width=3pt"),
    "shape": replacing(r"\\node\[(circle|rectangle, rounded corners|rectangle)", "circle", "rectangle"),
    "arrow": replacing(r"\\draw\[(->|<-|<->)", "<-", "-", "<->"),
    "chart_type": replacing(r"[\[ ](ybar|axis lines=(?:left|middle)|grid=major)(?=,)", "const plot", "ycomb"),
    "curve": changing(r"\{((?:sin|cos|exp)\(|0\.\d\*|1/)", lambda match, rng: f"2*{match[1]}"),
    "formula": replacing(r"(\\int|\\sum|\\sqrt|\\frac|\\le|\\lim|\+)(?![a-z])", "\\sum", "\\int", "-", "\\prod"),
    "exponent": changing(r"[\^_](?:\{?)(\d)", lambda match, rng: str((int(match[1]) + rng.randint(1, 7)) % 10)),
    "layout": _scaled,
    "frame": _framed,
    "font": _font,
    "extra": _added,
    "partial": _partial,
    "missing_package": removing(_PACKAGE),
    "runtime_error": changing(r"\\begin\{document\}(\n)", lambda match, rng: "\n\\undefinedcommand "),
    "syntax_error": removing(r"\\end\{(?:tikzpicture|axis|tabular)\}$|\}(?=[;$])"),
}
"""Defects by name. The last three end in no image at all, or a broken one."""
