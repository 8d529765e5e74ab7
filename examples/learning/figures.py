"""Runs to images and numbers: the learning curves, the gallery, the summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learning import ARMS
from learning.runs import render
from learning.scenes import answer

_LOOKS = {
    "visual": ("visual reward", "#0b6e4f"),
    "random": ("control: random reward", "#c1666b"),
    "shuffled": ("control: reward of another target", "#7a6ff0"),
}


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return, for each arm, the curve over its seeds and what came of it; rewards are in [0, 1]."""
    summary = {}
    for arm in ARMS:
        own = [run for run in runs if run["arm"] == arm]
        if not own:
            continue
        curves = [[each["reward"] for each in run["evaluations"]] for run in own]
        means = [sum(column) / len(column) for column in zip(*curves, strict=True)]
        summary[arm] = {
            "seeds": [run["seed"] for run in own],
            "steps": [each["step"] for each in own[0]["evaluations"]],
            "mean": means,
            "lowest": [min(column) for column in zip(*curves, strict=True)],
            "highest": [max(column) for column in zip(*curves, strict=True)],
            "start": means[0],
            "end": means[-1],
            "rise": means[-1] - means[0],
            "seconds": sum(run["seconds"] for run in own),
        }
    return summary


def draw_curves(summary: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the held-out reward over the steps: mean and range over the seeds, every arm."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for arm, curve in summary.items():
        label, colour = _LOOKS[arm]
        axes.plot(curve["steps"], curve["mean"], color=colour, label=f"{label}, n = {len(curve['seeds'])}")
        axes.fill_between(curve["steps"], curve["lowest"], curve["highest"], color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="step (64 responses each)", ylabel="reward on held-out targets")
    axes.set_ylim(top=1)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=130)


def draw_gallery(run: dict[str, Any], path: Path, rows: int = 8, columns: int = 6) -> None:
    """Draw what the policy made of held-out targets at some of the evaluations.

    Args:
        run: What `runs.run` returned.
        path: Where the image goes.
        rows: Targets.
        columns: Most evaluations to show, from the first to the last.
    """
    from matplotlib.figure import Figure

    last = len(run["evaluations"]) - 1
    columns = min(columns, last + 1)
    picked = [run["evaluations"][round(index * last / (columns - 1))] for index in range(columns)]
    references = [answer(scene) for scene in run["held_out_scenes"][:rows]]
    titles = ["target", *(f"step {each['step']}" for each in picked)]
    images = render(references + [response for each in picked for response in each["responses"][:rows]])
    figure = Figure(figsize=(1.1 * len(titles), 1.1 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, len(titles))
    for column, title in enumerate(titles):
        grid[0, column].set_title(title, fontsize=9)
        for row in range(rows):
            axes = grid[row, column]
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_color("#333333" if column == 0 else "#cccccc")
            image = images[column * rows + row]
            if image is None:
                axes.text(0.5, 0.5, "no SVG", ha="center", va="center", color="#999999", transform=axes.transAxes)
            else:
                axes.imshow(image)
    figure.savefig(path, dpi=100)
