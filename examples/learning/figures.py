"""Runs to images and numbers: the learning curves, the gallery, the summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from learning import ARMS
from learning.judging import Judge
from learning.scenes import answer

_LOOKS = {
    "paper": ("paper", "#c1666b"),
    "paper-drawing": ("paper, no mosaics", "#d4a03c"),
    "robust": ("robust", "#0b6e4f"),
    "shuffled": ("control: robust, another target", "#7a6ff0"),
}
_PANELS = {
    "ssim": "SSIM",
    "mosaics": "share of mosaics",
    "label": "right label",
    "shape": "right shape",
    "colour": "right colour",
    "size": "right size",
}


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return, for each arm, what was measured over its seeds: curves of sampled answers, and the likeliest at the end.

    Every number is in [0, 1]; see ``runs.measured``.
    """
    summary = {}
    for arm in ARMS:
        own = [run for run in runs if run["arm"] == arm]
        if not own:
            continue
        names = [name for name in own[0]["evaluations"][0] if name not in ("step", "responses")]
        curves = {name: [[each[name] for each in run["evaluations"]] for run in own] for name in names}
        summary[arm] = {
            "seeds": [run["seed"] for run in own],
            "steps": [each["step"] for each in own[0]["evaluations"]],
            "curves": {name: _over_seeds(list(zip(*columns, strict=True))) for name, columns in curves.items()},
            "likeliest": {name: _over_seeds([[run["likeliest"][name] for run in own]]) for name in own[0]["likeliest"]},
            "seconds": sum(run["seconds"] for run in own),
        }
    return summary


def _over_seeds(columns: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    """Return mean, lowest and highest of each column, which has a value a seed."""
    ways = {"mean": fmean, "lowest": min, "highest": max}
    return {name: [way(column) for column in columns] for name, way in ways.items()}


def draw_curves(summary: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw what neither reward contains over the steps: mean and range over the seeds, every arm."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    grid = figure.subplots(2, 3, sharex=True)
    for axes, (name, title) in zip(grid.flat, _PANELS.items(), strict=True):
        for arm, found in summary.items():
            label, colour = _LOOKS[arm]
            curve = found["curves"][name]
            axes.plot(found["steps"], curve["mean"], color=colour, label=label)
            axes.fill_between(found["steps"], curve["lowest"], curve["highest"], color=colour, alpha=0.15, linewidth=0)
        axes.set_title(title, fontsize=10)
        axes.set_ylim(bottom=None if name == "ssim" else -0.02, top=1.02)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    grid[1, 1].set_xlabel("step (64 responses each); held-out scenes, sampled answers")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=110)


def draw_gallery(runs: Sequence[dict[str, Any]], judge: Judge, path: Path, rows: int = 8) -> None:
    """Draw the likeliest answers to held-out targets at the end of one run of each arm.

    Args:
        runs: What `runs.run` returned; the first of each arm is shown.
        judge: What renders.
        path: Where the image goes.
        rows: Targets.
    """
    from matplotlib.figure import Figure

    scenes = [tuple(scene) for scene in runs[0]["held_out_scenes"][:rows]]
    columns = {"target": judge.renders([answer(scene) for scene in scenes], scenes)}
    for run in runs:
        title = _LOOKS[run["arm"]][0].removeprefix("control: ").replace(", ", ",\n")
        if title not in columns:
            columns[title] = judge.renders(run["likeliest_responses"][:rows], scenes)
    figure = Figure(figsize=(1.2 * len(columns), 1.1 * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, len(columns))
    for column, (title, images) in enumerate(columns.items()):
        grid[0, column].set_title(title, fontsize=8)
        for row, image in enumerate(images):
            axes = grid[row, column]
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_color("#333333" if column == 0 else "#cccccc")
            if image is None:
                axes.text(0.5, 0.5, "no SVG", ha="center", va="center", color="#999999", transform=axes.transAxes)
            else:
                axes.imshow(image)
    figure.savefig(path, dpi=100)
