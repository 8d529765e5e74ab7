"""Runs to numbers and curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from beyond.settings import ARMS, GOAL

MEASURES = ("reward", "shapes", "colours", "kinds", "places", "all", "ssim")
_COLUMNS = ("reward", "shapes", "colours", "kinds", "places", "ssim")
_TITLES = {
    "reward": "reward",
    "shapes": "right shapes",
    "colours": "right colours",
    "kinds": "right kinds",
    "places": "right places",
    "ssim": "SSIM",
}
_LOOKS = {
    "outcome": ("outcome", "#7a7a7a"),
    "process": ("process credit alone", "#d4a03c"),
    "both": ("outcome and process credit", "#0b6e4f"),
    "shuffled": ("control: the same, shuffled", "#7a6ff0"),
    "turns": ("two turns", "#c1666b"),
}


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return, for each arm, what was measured of sampled answers to held-out scenes, and of the likeliest at the end.

    ``curves`` has a list a turn, seed and measure, with a number a step; ``goal`` the first step of each seed at which
    the last answer's mean reward was at least `GOAL`, or None.
    """
    summary = {}
    for name, arm in ARMS.items():
        own = [run for run in runs if run["arm"] == name]
        if not own:
            continue
        curves = [
            {
                measure: [[at["turns"][turn][measure] for at in run["evaluations"]] for run in own]
                for measure in MEASURES
            }
            for turn in range(2)
        ]
        steps = [at["step"] for at in own[0]["evaluations"]]
        last = curves[arm.turns - 1]["reward"]
        summary[name] = {
            "seeds": [run["seed"] for run in own],
            "settings": own[0]["settings"],
            "steps": steps,
            "curves": curves,
            "goal": [
                next((step for step, value in zip(steps, each, strict=True) if value >= GOAL), None) for each in last
            ],
            "likeliest": [
                {measure: [run["likeliest"][turn][measure] for run in own] for measure in (*MEASURES, "ems")}
                for turn in range(2)
            ],
            "practice": [[log["vincicoder/overall"] for log in run["log_history"] if "reward" in log] for run in own],
            "words": [[log["completions/mean_length"] for log in run["log_history"] if "reward" in log] for run in own],
            "cpu_seconds": [run["cpu_seconds"] for run in own],
        }
    return summary


def draw_curves(summary: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw reward, right shapes and SSIM over the steps, mean and range over the seeds: strokes above, turns below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    grid = figure.subplots(2, 3, sharex=True)
    titles = {"reward": "reward", "shapes": "right shapes", "ssim": "SSIM"}
    for column, (measure, title) in enumerate(titles.items()):
        strokes, turns = grid[:, column]
        strokes.set_title(title, fontsize=10)
        for name in [each for each in ("outcome", "process", "both", "shuffled") if each in summary]:
            _band(strokes, summary[name], 0, measure, *_LOOKS[name])
        if "outcome" in summary:
            _band(turns, summary["outcome"], 0, measure, "one turn", _LOOKS["outcome"][1])
        if "turns" in summary:
            _band(turns, summary["turns"], 0, measure, "two turns, first answer", _LOOKS["turns"][1], "--")
            _band(turns, summary["turns"], 1, measure, "two turns, last answer", _LOOKS["turns"][1])
    for axes in grid.flat:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    for row in grid:
        if row[0].lines:
            row[0].legend(fontsize=7, frameon=False, loc="lower right")
    grid[1, 1].set_xlabel("step; held-out scenes, sampled answers")
    figure.savefig(path, dpi=110)


def _band(axes: Any, found: dict[str, Any], turn: int, measure: str, label: str, colour: str, line: str = "-") -> None:
    columns = list(zip(*found["curves"][turn][measure], strict=True))
    axes.plot(found["steps"], [fmean(each) for each in columns], line, color=colour, label=label)
    low, high = [min(each) for each in columns], [max(each) for each in columns]
    axes.fill_between(found["steps"], low, high, color=colour, alpha=0.12, linewidth=0)


def table(summary: dict[str, dict[str, Any]]) -> str:
    """Return a Markdown table of each arm's and turn's answers at the end: means over seeds, with lowest and highest.

    All are of sampled answers but EMS, which is of the likeliest.
    """
    head = ("taught by", "answer", *(_TITLES[measure] for measure in _COLUMNS), "EMS", f"steps to {GOAL}", "CPU s")
    lines = [head, ("---",) * len(head)]
    for name, found in summary.items():
        for turn in range(2):
            cells = [_cell([seed[-1] for seed in found["curves"][turn][measure]]) for measure in _COLUMNS]
            rewarded = turn == ARMS[name].turns - 1
            goal = ", ".join("never" if step is None else str(step) for step in found["goal"]) if rewarded else ""
            moved = _cell(found["likeliest"][turn]["ems"])
            lines.append((name, str(turn + 1), *cells, moved, goal, f"{fmean(found['cpu_seconds']):.0f}"))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(values: Sequence[float]) -> str:
    spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{spread}"
