"""LaTeX: TikZ figures, pgfplots and tables, as standalone documents."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from data_recipes.engine.words import PLACES, SUBJECTS, labels, numbers, title
from data_recipes.sources._generated import GeneratedSet

_COLOURS = ("blue", "red", "teal", "orange", "violet", "brown", "olive", "magenta", "cyan")

Figure = tuple[list[str], list[str]]
"""Lines of the preamble, and of the body."""


def write(rng: random.Random) -> str:
    """Return a LaTeX document."""
    preamble, body = rng.choice(KINDS)(rng)
    border = rng.choice((4, 6, 10))
    return "\n".join(
        [
            f"\\documentclass[border={border}pt]{{standalone}}",
            *preamble,
            "\\begin{document}",
            *body,
            "\\end{document}",
        ]
    )


def _flow(rng: random.Random) -> Figure:
    names, colour = labels(rng, rng.randint(3, 5)), rng.choice(_COLOURS)
    shape = rng.choice(("rectangle", "circle", "rectangle, rounded corners"))
    across = rng.random() < 0.5
    gap = 3.0 if across else 1.8
    lines = ["\\begin{tikzpicture}[>=stealth]"]
    for index, name in enumerate(names):
        x, y = (gap * index, 0) if across else (0, -gap * index)
        paint = f"draw={colour}, fill={colour}!{rng.choice((10, 20, 30))}, minimum width=2cm, minimum height=1cm"
        lines.append(f"  \\node[{shape}, {paint}] (n{index}) at ({x:g},{y:g}) {{{name}}};")
    lines += [f"  \\draw[->, thick] (n{index}) -- (n{index + 1});" for index in range(len(names) - 1)]
    return ["\\usepackage{tikz}"], [*lines, "\\end{tikzpicture}"]


def _curves(rng: random.Random) -> Figure:
    curves = rng.sample(
        ("sin(deg(x))", "cos(deg(x))", "0.3*x^2-1", "exp(-x^2)", "0.5*x", "1/(1+x^2)"), rng.randint(1, 3)
    )
    style = rng.choice(("grid=major", "axis lines=left", "axis lines=middle"))
    options = (
        f"xlabel={{$x$}}, ylabel={{$f(x)$}}, title={{{title(rng)}}}, "
        f"{style}, domain=-{rng.randint(2, 4)}:{rng.randint(2, 4)}"
    )
    plots = [
        f"\\addplot[{colour}, {rng.choice(('thick', 'very thick', 'dashed, thick'))}, samples=60] {{{curve}}};"
        for curve, colour in zip(curves, rng.sample(_COLOURS, len(curves)), strict=True)
    ]
    return _plot(options, plots)


def _bars(rng: random.Random) -> Figure:
    count, colour = rng.randint(3, 6), rng.choice(_COLOURS)
    names = labels(rng, count)
    points = " ".join(f"({name},{value})" for name, value in zip(names, numbers(rng, count), strict=True))
    options = (
        f"ybar, symbolic x coords={{{','.join(names)}}}, xtick=data, ymin=0, "
        f"bar width={rng.randint(10, 20)}pt, ylabel={{{rng.choice(SUBJECTS)}}}, title={{{title(rng)}}}"
    )
    return _plot(
        options, [f"\\addplot[fill={colour}!{rng.choice((30, 50, 70))}, draw={colour}] coordinates {{{points}}};"]
    )


def _plot(options: str, plots: Sequence[str]) -> Figure:
    axis = [f"\\begin{{axis}}[{options}]", *plots, "\\end{axis}"]
    preamble = ["\\usepackage{pgfplots}", "\\pgfplotsset{compat=1.16}"]
    return preamble, ["\\begin{tikzpicture}", *axis, "\\end{tikzpicture}"]


def _geometry(rng: random.Random) -> Figure:
    x, y, wide = rng.uniform(1, 3), rng.uniform(1.5, 3.5), rng.uniform(3, 5)
    first, second = rng.sample(_COLOURS, 2)
    lines = [
        f"\\begin{{tikzpicture}}[scale={rng.choice((0.8, 1, 1.2, 1.4))}]",
        f"  \\draw[thick, {first}, fill={first}!15] (0,0) -- ({wide:.1f},0) -- ({x:.1f},{y:.1f}) -- cycle;",
        f"  \\draw[dashed, {second}] ({x:.1f},{y:.1f}) -- ({x:.1f},0);",
        f"  \\draw[{second}, thick] ({wide / 2:.1f},{-rng.uniform(1.2, 2):.1f}) circle ({rng.uniform(0.4, 0.9):.1f});",
        "  \\node[below left] at (0,0) {$A$};",
        f"  \\node[below right] at ({wide:.1f},0) {{$B$}};",
        f"  \\node[above] at ({x:.1f},{y:.1f}) {{$C$}};",
        "\\end{tikzpicture}",
    ]
    return ["\\usepackage{tikz}"], lines


def _tree(rng: random.Random) -> Figure:
    root, *rest = rng.sample(PLACES, rng.randint(5, 7))
    colour, half = rng.choice(_COLOURS), len(rest) // 2
    lines = [
        "\\begin{tikzpicture}[level 1/.style={sibling distance=50mm}, level 2/.style={sibling distance=24mm},",
        f"  every node/.style={{draw={colour}, rounded corners, fill={colour}!{rng.choice((10, 20))}}}]",
        f"  \\node {{{root}}}",
    ]
    for part in (rest[:half], rest[half:]):
        children = " ".join(f"child {{ node {{{name}}} }}" for name in part[1:])
        lines.append(f"    child {{ node {{{part[0]}}} {children} }}")
    return ["\\usepackage{tikz}"], [*lines, "  ;", "\\end{tikzpicture}"]


def _table(rng: random.Random) -> Figure:
    count = rng.randint(3, 6)
    first, second = rng.sample(SUBJECTS, 2)
    lines = ["\\begin{tabular}{lrr}", "\\toprule", f"Site & {first} & {second} \\\\", "\\midrule"]
    lines += [f"{name} & {rng.randint(10, 99)} & {rng.randint(100, 999)} \\\\" for name in labels(rng, count)]
    return ["\\usepackage{booktabs}"], [*lines, "\\bottomrule", "\\end{tabular}"]


def _formula(rng: random.Random) -> Figure:
    a, b, n = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 6)
    formula = rng.choice(
        (
            f"\\int_0^{{{a}}} x^{{{n}}} \\, dx = \\frac{{{a}^{{{n + 1}}}}}{{{n + 1}}}",
            f"\\sum_{{k=1}}^{{{n}}} \\frac{{{a}}}{{k^{b}}} \\le {a * n}",
            f"f(x) = \\sqrt{{{a}x^2 + {b}}} - \\frac{{{n}}}{{x}}",
            f"\\begin{{pmatrix}} {a} & {b} \\\\ {n} & 1 \\end{{pmatrix}} v = \\lambda_{{{n}}} v",
        )
    )
    other = rng.choice((f"\\lim_{{x \\to {b}}} g(x) = {a}", f"e^{{i {b} \\pi}} + {n} = {a}", f"\\nabla^2 u = {a} u_t"))
    return ["\\usepackage{amsmath}"], [f"$\\displaystyle {formula}, \\qquad {other}$"]


KINDS: tuple[Callable[[random.Random], Figure], ...] = (_flow, _curves, _bars, _geometry, _tree, _table, _formula)

SOURCE = GeneratedSet("figures", "latex", write)
