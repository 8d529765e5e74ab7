"""Charts: matplotlib programs of a dozen types in many styles."""

from __future__ import annotations

import random
from collections.abc import Callable

from data_recipes.engine.words import SUBJECTS, UNITS, labels, numbers, palette, title, walk
from data_recipes.sources._generated import GeneratedSet

Lines = list[str]

_EDGES = ("white", "black")
_COLOUR_MAPS = ("viridis", "magma", "Blues", "Greens", "coolwarm", "cividis")


def write(rng: random.Random) -> str:
    """Return a program that draws one chart."""
    kind = rng.choice(KINDS)
    width, height = rng.choice(((6, 4), (7, 4), (8, 5), (5, 5), (6.5, 4.5), (9, 4.5)))
    style = rng.choice(("default", "default", "ggplot", "bmh", "fast"))
    lines = ["import matplotlib.pyplot as plt"]
    if kind in _WITH_NUMPY:
        lines.append("import numpy as np")
    lines.append("")
    if style != "default":
        lines.append(f"plt.style.use({style!r})")
    polar = ", subplot_kw={'projection': 'polar'}" if kind is _radar else ""
    lines += [f"fig, ax = plt.subplots(figsize=({width}, {height}){polar})", *kind(rng)]
    lines.append(f"ax.set_title({title(rng)!r}, fontsize={rng.randint(11, 16)})")
    if kind not in _WITHOUT_AXES:
        lines += _axes(rng)
    lines += ["plt.tight_layout()", "plt.show()"]
    return "\n".join(lines)


def _axes(rng: random.Random) -> Lines:
    lines = [
        f"ax.set_xlabel({rng.choice(('Group', 'Period', 'Site', 'Step', 'Class'))!r})",
        f"ax.set_ylabel({f'{rng.choice(SUBJECTS)} ({rng.choice(UNITS)})'!r})",
    ]
    if rng.random() < 0.5:
        lines.append(_call("ax.grid", "True", axis=rng.choice("xy"), alpha=rng.choice((0.3, 0.4, 0.6))))
    if rng.random() < 0.4:
        lines += ["ax.spines['top'].set_visible(False)", "ax.spines['right'].set_visible(False)"]
    return lines


def _bars(rng: random.Random) -> Lines:
    count = rng.randint(3, 7)
    lines = _let(names=labels(rng, count), values=numbers(rng, count))
    lines.append(
        _call("bars = ax.bar", "names", "values", color=palette(rng)[0], width=rng.choice((0.5, 0.6, 0.7, 0.8)))
    )
    if rng.random() < 0.5:
        lines.append("ax.bar_label(bars, padding=3)")
    return lines


def _lying_bars(rng: random.Random) -> Lines:
    count = rng.randint(3, 7)
    return [
        *_let(names=labels(rng, count), values=numbers(rng, count)),
        _call("ax.barh", "names", "values", color=[rng.choice(palette(rng)) for _ in range(count)]),
    ]


def _grouped_bars(rng: random.Random) -> Lines:
    count, colours = rng.randint(3, 6), palette(rng)
    first, second = rng.sample(SUBJECTS, 2)
    return [
        *_let(names=labels(rng, count), first=numbers(rng, count), second=numbers(rng, count)),
        "x = np.arange(len(names))",
        _call("ax.bar", "x - 0.2", "first", "0.4", label=first, color=colours[0]),
        _call("ax.bar", "x + 0.2", "second", "0.4", label=second, color=colours[1]),
        "ax.set_xticks(x, names)",
        "ax.legend()",
    ]


def _stacked_bars(rng: random.Random) -> Lines:
    count, colours = rng.randint(3, 6), palette(rng)
    first, second = rng.sample(SUBJECTS, 2)
    return [
        *_let(names=labels(rng, count), lower=numbers(rng, count), upper=numbers(rng, count)),
        _call("ax.bar", "names", "lower", label=first, color=colours[0]),
        _call("ax.bar", "names", "upper", "bottom=lower", label=second, color=colours[1]),
        _call("ax.legend", loc=rng.choice(("upper left", "upper right", "lower right"))),
    ]


def _lines(rng: random.Random) -> Lines:
    count = rng.randint(6, 14)
    lines = [f"x = list(range({rng.choice((0, 1, 2001, 2010))}, 2024))[:{count}]"]
    for name, colour in zip(rng.sample(SUBJECTS, rng.randint(1, 4)), palette(rng), strict=False):
        style = {
            "color": colour,
            "marker": rng.choice("os^Dv."),
            "linestyle": rng.choice(("-", "--", "-.", ":")),
            "linewidth": rng.choice((1, 1.5, 2, 2.5)),
        }
        lines.append(_call("ax.plot", "x", str(walk(rng, count)), **style, label=name))
    return [*lines, "ax.legend()"]


def _area(rng: random.Random) -> Lines:
    count, colour = rng.randint(8, 16), palette(rng)[0]
    return [
        *_let(y=walk(rng, count)),
        "x = list(range(len(y)))",
        _call("ax.plot", "x", "y", color=colour, linewidth=2),
        _call("ax.fill_between", "x", "y", color=colour, alpha=rng.choice((0.2, 0.3, 0.5))),
    ]


def _scatter(rng: random.Random) -> Lines:
    lines = [_dice(rng)]
    for name, colour in zip(rng.sample(SUBJECTS, rng.randint(1, 3)), palette(rng), strict=False):
        x, y, spread = rng.randint(10, 90), rng.randint(10, 90), rng.randint(4, 14)
        count, size = rng.randint(20, 60), rng.choice((15, 25, 40, 60))
        points = (f"rng.normal({centre}, {spread}, {count})" for centre in (x, y))
        lines.append(_call("ax.scatter", *points, s=size, c=colour, alpha=0.7, label=name))
    return [*lines, "ax.legend()"]


def _histogram(rng: random.Random) -> Lines:
    return [
        _dice(rng),
        f"data = rng.normal({rng.randint(40, 80)}, {rng.randint(5, 20)}, 400)",
        _call("ax.hist", "data", bins=rng.randint(8, 24), color=palette(rng)[0], edgecolor=rng.choice(_EDGES)),
        _call("ax.axvline", "data.mean()", color=palette(rng)[1], linestyle="--"),
    ]


def _boxes(rng: random.Random) -> Lines:
    count = rng.randint(3, 6)
    return [
        _dice(rng),
        f"data = [rng.normal(m, {rng.randint(4, 12)}, 80) for m in {numbers(rng, count, 30, 70)}]",
        _call("boxes = ax.boxplot", "data", patch_artist=True, widths=rng.choice((0.4, 0.5, 0.6))),
        "for box in boxes['boxes']:",
        f"    box.set_facecolor({palette(rng)[0]!r})",
        f"ax.set_xticks(range(1, {count} + 1), {labels(rng, count)})",
    ]


def _pie(rng: random.Random) -> Lines:
    count = rng.randint(3, 5)
    hole = {"wedgeprops": {"width": 0.4}} if rng.random() < 0.5 else {}
    angle = rng.choice((0, 45, 90, 120))
    return [
        *_let(parts=numbers(rng, count, 8, 50)),
        _call(
            "ax.pie",
            "parts",
            labels=labels(rng, count),
            colors=palette(rng, count),
            autopct="%1.0f%%",
            startangle=angle,
            **hole,
        ),
    ]


def _heat(rng: random.Random) -> Lines:
    rows, columns = rng.randint(3, 6), rng.randint(3, 7)
    lines = [
        f"data = np.array({[numbers(rng, columns) for _ in range(rows)]})",
        _call("picture = ax.imshow", "data", cmap=rng.choice(_COLOUR_MAPS)),
        f"ax.set_xticks(range({columns}), {labels(rng, columns)})",
        f"ax.set_yticks(range({rows}), {labels(rng, rows)})",
    ]
    if rng.random() < 0.6:
        lines.append("fig.colorbar(picture)")
    return lines


def _steps(rng: random.Random) -> Lines:
    count, where = rng.randint(6, 12), rng.choice(("pre", "mid", "post"))
    return [
        *_let(y=numbers(rng, count)),
        _call("ax.step", "range(len(y))", "y", where=where, color=palette(rng)[0], linewidth=2),
        _call("ax.axhline", str(rng.randint(20, 80)), color=palette(rng)[1], linestyle=":"),
        f"ax.set_ylim(0, {rng.choice((100, 110, 120))})",
    ]


def _errors(rng: random.Random) -> Lines:
    count = rng.randint(4, 7)
    return [
        *_let(x=labels(rng, count), y=numbers(rng, count, 20, 80)),
        _call(
            "ax.errorbar",
            "x",
            "y",
            yerr=numbers(rng, count, 2, 12),
            fmt=rng.choice("osD"),
            capsize=rng.randint(2, 6),
            color=palette(rng)[0],
            markersize=rng.randint(5, 9),
        ),
    ]


def _radar(rng: random.Random) -> Lines:
    count = rng.randint(4, 7)
    outline = ("[*angles, angles[0]]", "[*values, values[0]]")
    return [
        *_let(names=labels(rng, count), values=numbers(rng, count, 20, 95)),
        "angles = np.linspace(0, 2 * np.pi, len(names), endpoint=False)",
        _call("ax.plot", *outline, color=palette(rng)[0], linewidth=2),
        _call("ax.fill", *outline, color=palette(rng)[0], alpha=0.3),
        "ax.set_xticks(angles, names)",
        "ax.set_ylim(0, 100)",
    ]


def _panels(rng: random.Random) -> Lines:
    count = rng.randint(5, 9)
    first, second = palette(rng, 2)
    return [
        "ax.remove()",
        "left, ax = fig.subplots(1, 2)",
        _call("left.plot", str(walk(rng, count)), color=first, marker="o"),
        f"left.set_title({rng.choice(SUBJECTS)!r})",
        _call("ax.bar", f"range({count})", str(numbers(rng, count)), color=second),
    ]


def _let(**values: object) -> Lines:
    """Return a line that gives each name its value."""
    return [f"{name} = {value!r}" for name, value in values.items()]


def _call(function: str, *arguments: str, **options: object) -> str:
    """Return a line with a call: arguments are code, options values."""
    return f"{function}({', '.join([*arguments, *(f'{name}={value!r}' for name, value in options.items())])})"


def _dice(rng: random.Random) -> str:
    return f"rng = np.random.default_rng({rng.randint(0, 9999)})"


KINDS: tuple[Callable[[random.Random], Lines], ...] = (
    *(_bars, _lying_bars, _grouped_bars, _stacked_bars, _lines, _area, _scatter, _histogram, _boxes, _pie, _heat),
    *(_steps, _errors, _radar, _panels),
)
_WITH_NUMPY = (_grouped_bars, _scatter, _histogram, _boxes, _heat, _radar)
_WITHOUT_AXES = (_pie, _radar, _heat)

SOURCE = GeneratedSet("charts", "chart", write)
