"""What others have reported on the benchmarks: every value with its source and its protocol.

The values are in ``published.json`` and nowhere else. Sources disagree about some of them; all are kept, and a report
shows each with its source.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("published.json")
_PAPER = "paper"  # the key of the source whose columns make the table
_AGREEMENT = 0.05
"""Points by which values may differ without being a disagreement: they are given with one decimal."""


@dataclass(frozen=True)
class Source:
    """Who reported values.

    Attributes:
        name: Its key.
        title: What to call it.
        protocol: How the values were measured, as far as the source says.
    """

    name: str
    title: str
    protocol: str


@dataclass(frozen=True)
class Cell:
    """One reported value.

    Attributes:
        model: The model's name.
        benchmark: Name of the benchmark.
        column: Name of the column.
        value: In points, from 0 to 100.
        source: Key of the source.
        note: What is doubtful about it, or "".
    """

    model: str
    benchmark: str
    column: str
    value: float
    source: str
    note: str = ""


@dataclass(frozen=True)
class Published:
    """All that was reported.

    Attributes:
        sources: By key.
        cells: Every value.
        unplaced: Model, source and text of what fits no column.
    """

    sources: dict[str, Source]
    cells: tuple[Cell, ...]
    unplaced: tuple[tuple[str, str, str], ...]

    @property
    def models(self) -> list[str]:
        """The models in the order of the file."""
        return list(dict.fromkeys(cell.model for cell in self.cells))

    def find(self, model: str, benchmark: str, column: str) -> list[Cell]:
        """Return what the sources say of one value; none if they say nothing."""
        return [cell for cell in self.cells if (cell.model, cell.benchmark, cell.column) == (model, benchmark, column)]


@functools.cache
def published() -> Published:
    """Return all that was reported.

    Example:
        >>> [(cell.value, cell.source) for cell in published().find("Qwen3-VL-8B", "chartmimic", "low")]
        [(62.5, 'paper'), (63.7, 'chartide')]
    """
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    cells = tuple(
        Cell(model, benchmark, column, value, source, *note)
        for model, source, benchmark, values, *note in data["cells"]
        for column, value in values.items()
    )
    sources = {name: Source(name, **about) for name, about in data["sources"].items()}
    return Published(sources, cells, tuple((model, source, text) for model, source, text in data["unplaced"]))


def main_columns(benchmark: str) -> set[str]:
    """Return the columns of a benchmark that the paper's table has; none for a benchmark that it has not.

    Example:
        >>> sorted(main_columns("image2latex"))
        ['ems', 'execution']
    """
    return {cell.column for cell in published().cells if (cell.benchmark, cell.source) == (benchmark, _PAPER)}


def disagree(cells: list[Cell]) -> bool:
    """Return whether sources differ about one value by more than rounding."""
    values = [cell.value for cell in cells]
    return bool(values) and max(values) - min(values) > _AGREEMENT
