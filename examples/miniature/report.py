"""Results to a table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

_COLUMNS = ("execution", "paper", "robust", "ssim", "ems", "places", "kinds", "colours", "word", "all")


def table(results: Sequence[dict[str, Any]]) -> str:
    """Return a line for each stage: means over seeds, with the lowest and highest where there are several.

    Args:
        results: What ``Experiment.results`` returned; the same result may be among them several times.
    """
    stages: dict[str, dict[int, dict[str, Any]]] = {}
    for each in results:
        stages.setdefault(each["stage"], {})[each["seed"]] = each
    rows = [("stage", *_COLUMNS, "fixed", "minutes")]
    for stage, seeds in stages.items():
        found = list(seeds.values())
        cells = [_cell([each["judged"]["draw"][name] for each in found]) for name in _COLUMNS]
        fixed = _cell([each["judged"]["fix"]["all"] for each in found])
        minutes = fmean(each["seconds"] + each["judging_seconds"] for each in found) / 60
        rows.append((stage, *cells, fixed, f"{minutes:.1f}"))
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, wide, strict=True)) for row in rows]
    return "\n".join(["likeliest answers to held-out images; fixed: to flawed code; mean (lowest to highest)", *lines])


def _cell(values: Sequence[float]) -> str:
    spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{spread}"
