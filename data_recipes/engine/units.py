"""Units of work: the parts of a source that are worked on by themselves, each into shards of its own.

A source is cut into units, a unit into chunks of as many rows, and each chunk becomes one shard. What is in a shard
depends on its chunk and the settings alone, and a shard is there whole or not at all. So a unit that was stopped goes
on with the first shard that is missing, and units can be worked on by any number of machines. In memory is one chunk
at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from data_recipes.engine.drops import Drops
from data_recipes.engine.shards import ShardFormat, read_note, write_shard
from vincicoder.data import BadRow, Record


class Unit(NamedTuple):
    """A part of a source that is read by itself.

    Attributes:
        number: Its index among the units.
        rows: How many rows it has, as far as is known.
        where: What its source needs to find it.
        name: How its shards' names begin; by default with its number.
    """

    number: int
    rows: int
    where: Any
    name: str = ""

    def shards(self, directory: Path) -> Iterator[Path]:
        """Yield the paths of its shards, without an end."""
        name = self.name or f"{self.number:05d}"
        return (directory / f"{name}-{chunk:05d}.parquet" for chunk in count())


class Row(NamedTuple):
    """A row of a source: its name, and the record or what is wrong with it."""

    name: str
    found: Record | BadRow


class Source(Protocol):
    """Where records come from. Reading a unit again gives the same rows."""

    def units(self) -> list[Unit]:
        """Return all units, in order."""

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the rows of a unit."""


class Step(Protocol):
    """What is done to a chunk of records. Equal chunks give equal results."""

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Return what becomes of the records; what is left out goes to ``drops``."""


class Job(NamedTuple):
    """What is done to every unit; see :func:`data_recipes.engine.pipeline.run`."""

    source: Source
    steps: Sequence[Step]
    directory: Path
    format: ShardFormat


def run_unit(job: Job, unit: Unit) -> Iterator[dict[str, Any]]:
    """Make the shards of a unit that are missing; yield the note of every one."""
    if (finished := _notes_of_finished(job, unit)) is not None:
        yield from finished
        return
    rows = iter(job.source.read(unit))
    following = list(islice(rows, 1))
    for path in unit.shards(job.directory):
        chunk = [*following, *islice(rows, job.format.rows - 1)]
        following = list(islice(rows, 1))
        if path.exists():
            yield read_note(path) | {"old": True}
        else:
            yield _make_shard(job, path, chunk, last=not following)
        if not following:
            return


def _make_shard(job: Job, path: Path, rows: Sequence[Row], last: bool) -> dict[str, Any]:
    drops = Drops()
    records = list(readable(rows, drops))
    for step in job.steps:
        records = step(records, drops)
    note = {"taken": len(rows), "kept": len(records), "drops": drops.to_dict(), "last": last}
    write_shard(path, records, job.format, note)
    return note


def readable(rows: Iterable[Row], drops: Drops) -> Iterator[Record]:
    """Yield the records of rows; what is wrong with the others goes to ``drops``."""
    for row in rows:
        if isinstance(row.found, BadRow):
            drops.add(row.name, row.found)
        else:
            yield row.found


def _notes_of_finished(job: Job, unit: Unit) -> list[dict[str, Any]] | None:
    """Return the notes of a unit's shards if none is missing, so that it need not be read again."""
    notes: list[dict[str, Any]] = []
    for path in unit.shards(job.directory):
        if not path.exists():
            break
        notes.append(read_note(path) | {"old": True})
        if notes[-1]["last"]:
            return notes
    return None
