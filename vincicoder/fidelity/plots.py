"""Plots of what was measured, for the report: as wide as a telephone, and once for each colour scheme."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vincicoder.fidelity.answers import DAMAGED, HACK, MEDIOCRE, PERFECT
from vincicoder.fidelity.damages import STRENGTHS
from vincicoder.fidelity.figures import honest
from vincicoder.reporting import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vincicoder.fidelity.runner import Fidelity

Rows = Sequence[Mapping[str, Any]]

_WIDTH = 3.6  # inches
_LETTERS = 8.5  # points
_BINS = 25


@dataclass(frozen=True)
class _Scheme:
    """The colours of a plot: of text, of lines behind the data, of good and bad answers, and of each strength."""

    text: str
    line: str
    good: str
    bad: str
    strengths: tuple[str, str, str]


_SCHEMES = {
    "light": _Scheme("#1b1f29", "#d5d9e2", "#2c6fb2", "#c4512c", ("#7fb2de", "#2c6fb2", "#0c2f57")),
    "dark": _Scheme("#e6e8ee", "#3a404d", "#8ec3f2", "#ff9a6e", ("#cfe6fb", "#6fb1ee", "#2f76b8")),
}


def plots(fidelity: Fidelity) -> list[Plot]:
    """Return the plots of a measurement; each has a panel for each preset.

    Args:
        fidelity: What was measured.

    Example:
        >>> [each.name for each in plots(found)]  # doctest: +SKIP
        ['strength', 'hacks', 'range']
    """
    rows = [honest(each) for each in fidelity.rows]
    kinds = len({row["kind"] for row in rows[0] if row["role"] == DAMAGED})
    panels: tuple[tuple[str, str, Callable[[Axes, Rows, _Scheme], None], float], ...] = (
        ("strength", "Mean reward by kind and strength of damage: darker is stronger, and should lie further left",
         _by_strength, 0.6 + 0.19 * kinds),
        ("hacks", "Rewards of honest mediocre answers and of hacks: hacks should lie left of all honest answers",
         _of_hacks, 1.7),
        ("range", "The range that training can use: means, and from where to where eight in ten answers lie",
         _of_range, 1.6),
    )  # fmt: skip
    return [
        Plot(name, caption, *(_drawn(draw, fidelity.presets, rows, height, each) for each in _SCHEMES.values()))
        for name, caption, draw, height in panels
    ]


def _drawn(
    draw: Callable[[Axes, Rows, _Scheme], None],
    presets: Sequence[str],
    rows: Sequence[Rows],
    height: float,
    scheme: _Scheme,
) -> bytes:
    """Draw a panel for each preset and return them as SVG; the same answers give the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {"font.size": _LETTERS, "svg.hashsalt": "vincicoder", "font.family": "DejaVu Sans"}
    settings |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), scheme.text)
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(_WIDTH, height * len(presets)), layout="constrained")
        panels = figure.subplots(len(presets), 1, sharex=True, squeeze=False)[:, 0]
        for axes, preset, each in zip(panels, presets, rows, strict=True):
            axes.set_title(preset, loc="left", fontsize=_LETTERS, fontweight="bold")
            axes.set_facecolor("none")
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0)
            axes.grid(axis="x", color=scheme.line, linewidth=0.6)
            axes.set_axisbelow(True)
            draw(axes, each, scheme)
        panels[-1].set_xlim(0, 1.02)
        panels[-1].set_xlabel("reward")
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def _by_strength(axes: Axes, rows: Rows, scheme: _Scheme) -> None:
    kinds = sorted({row["kind"] for row in rows if row["role"] == DAMAGED}, reverse=True)
    for place, kind in enumerate(kinds):
        means = {}
        for strength in STRENGTHS:
            rewards = [row["overall"] for row in rows
                       if row["role"] == DAMAGED and row["kind"] == kind and row["strength"] == strength]  # fmt: skip
            if rewards:
                means[strength] = statistics.fmean(rewards)
        axes.plot([min(means.values()), max(means.values())], [place, place], color=scheme.line, linewidth=2, zorder=2)
        for strength, mean in means.items():
            axes.plot(mean, place, "o", color=scheme.strengths[strength - 1], markersize=5, zorder=3)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set_ylim(-0.6, len(kinds) - 0.4)


def _of_hacks(axes: Axes, rows: Rows, scheme: _Scheme) -> None:
    for role, label, colour in ((MEDIOCRE, "mediocre", scheme.good), (HACK, "hacks", scheme.bad)):
        rewards = [row["overall"] for row in rows if row["role"] == role]
        if rewards:
            counts, edges = np.histogram(rewards, _BINS, (0, 1))
            shares = 100 * counts / len(rewards)
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35, label=label)
            axes.stairs(shares, edges, color=colour)
    axes.set_ylabel("% of answers")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderpad=0, handlelength=1.2, ncols=2)


def _of_range(axes: Axes, rows: Rows, scheme: _Scheme) -> None:
    groups = {
        "perfect": [row for row in rows if row["role"] == PERFECT],
        "slight": [row for row in rows if row["role"] == DAMAGED and row["strength"] == STRENGTHS[0]],
        "mediocre": [row for row in rows if row["role"] == MEDIOCRE],
        "unrelated": [row for row in rows if row["role"] == HACK and row["kind"] == "unrelated"],
        "other hacks": [row for row in rows if row["role"] == HACK and row["kind"] != "unrelated"],
    }
    names = [name for name, group in groups.items() if group]
    for place, name in enumerate(reversed(names)):
        rewards = [row["overall"] for row in groups[name]]
        colour = scheme.good if name in ("perfect", "slight", "mediocre") else scheme.bad
        axes.plot(np.percentile(rewards, [10, 90]), [place, place], color=colour, linewidth=3, alpha=0.45)
        axes.plot(statistics.fmean(rewards), place, "o", color=colour, markersize=6)
    axes.set_yticks(range(len(names)), names[::-1])
    axes.set_ylim(-0.6, len(names) - 0.4)
