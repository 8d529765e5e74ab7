"""A recipe's run: records stream from a source through steps into shards.

A run that was killed goes on where it stopped and ends with the bytes that an undisturbed run has; see
:mod:`data_recipes.engine.units`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from data_recipes.engine.drops import Drops
from data_recipes.engine.shards import RECORDS, ShardFormat, output_directory
from data_recipes.engine.units import Job, Source, Step, run_unit


class Totals(NamedTuple):
    """What a run came to: rows that went in, records that came out, and what was left out."""

    taken: int
    kept: int
    drops: Drops


def run(
    source: Source,
    steps: Sequence[Step],
    directory: Path,
    settings: Mapping[str, Any],
    *,
    format: ShardFormat = RECORDS,
    title: str = "rows",
    ray: str | None = None,
) -> Totals:
    """Run a recipe, or go on with one that was stopped.

    Args:
        source: Where the records come from.
        steps: What is done to them, in order. Those that have a ``close`` are closed at the end.
        directory: Where the shards go.
        settings: Everything that decides what is in the shards, as plain data.
        format: What the shards look like.
        title: What the progress bar says.
        ray: Address of a Ray cluster to work on, ``auto`` or ``local``; None for this process.

    Raises:
        DataError: The directory holds something else, or the source cannot be read.

    Example:
        >>> source = find_source("icons", count=500)
        >>> totals = run(source, [Length(), Lint(), Verify()], Path("work/icons"), {"seed": 0})
        >>> totals.kept, totals.drops.counts
    """
    from tqdm import tqdm

    job, units = Job(source, steps, directory, format), source.units()
    totals = Totals(0, 0, Drops())
    with output_directory(directory, settings), ExitStack() as stack:
        if ray is None:
            for step in steps:
                if hasattr(step, "close"):
                    stack.callback(step.close)
            notes: Iterable[Mapping[str, Any]] = chain.from_iterable(run_unit(job, unit) for unit in units)
        else:
            from data_recipes.engine.on_ray import run_units

            notes = run_units(job, units, ray)
        total = sum(unit.rows for unit in units) or None
        quiet = 0.1 if sys.stderr.isatty() else 30.0  # seconds between updates; a log file needs few
        bar = stack.enter_context(tqdm(total=total, desc=title, unit="row", file=sys.stderr, mininterval=quiet))
        for note in notes:
            totals = Totals(totals.taken + note["taken"], totals.kept + note["kept"], totals.drops)
            totals.drops.update(note["drops"])
            if note.get("old"):  # of an earlier run, so not in this one's rate
                bar.initial += note["taken"]
                bar.n += note["taken"]
            else:
                bar.update(note["taken"])
    return totals
