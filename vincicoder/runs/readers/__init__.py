"""The logs of trainers: one file a trainer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vincicoder.runs.measures import Names

Raw = tuple[int, dict[str, float]]
"""A step, and its numbers by the trainer's own names."""


def _nothing(_: Path) -> Iterator[Raw]:
    yield from ()


@dataclass(frozen=True)
class Reader:
    """How the log of a trainer is read.

    Attributes:
        trainer: The trainer's name.
        patterns: Names of its files, the best first.
        rows: Yields the rows of a file from its lines; lines of another form are passed over.
        names: Its names of measures.
        prefix: What it puts before the names of our metrics.
        settings: Patterns of the file that holds the run's settings, if it writes one.
        beside: Yields rows from other files of the run's directory.
    """

    trainer: str
    patterns: tuple[str, ...]
    rows: Callable[[Iterable[str]], Iterator[Raw]]
    names: Names
    prefix: str
    settings: tuple[str, ...] = ()
    beside: Callable[[Path], Iterator[Raw]] = _nothing


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, float]:
    """Return the numbers of a nested mapping by their paths; what is no number is left out.

    Example:
        >>> flat({"actor": {"loss": 1, "name": "a"}, "step": True})
        {'actor/loss': 1.0}
    """
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{above}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{above}{name}"] = float(value)
    return found


def of_step(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a row of transformers' trainers.

    Beside the last step they write a row that sums up the run; of that only its time counts.
    """
    return flat(row if "train_runtime" not in row else {"train_runtime": row["train_runtime"]})


def objects(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects among lines; a line that is torn or holds something else is passed over."""
    for line in lines:
        if line.lstrip().startswith("{"):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                yield value


def whole(value: Any) -> int | None:
    """Return a step that is a whole number of at least 0, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
