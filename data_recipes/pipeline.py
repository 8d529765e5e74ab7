"""A recipe's run: records stream from a source through steps into shards.

A source is cut into pieces, a piece into chunks of as many rows, and each chunk becomes one shard. What is in a shard
depends on its chunk and the settings alone, and a shard is there whole or not at all. So a run that was killed goes on
with the first shard that is missing, ends with the bytes that an undisturbed run has, and pieces can be worked on by
any number of machines. In memory is one chunk at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from data_recipes.drops import Drops
from data_recipes.shards import RECORDS, Shape, output_folder, read_note, write_shard
from vincicoder.data import BadRow, Record


class Piece(NamedTuple):
    """A part of a source that is read by itself.

    Attributes:
        number: Its place among the pieces.
        rows: How many rows it has, as far as is known.
        where: What its source needs to find it.
        name: How its shards' names begin; by default with its number.
    """

    number: int
    rows: int
    where: Any
    name: str = ""

    def shards(self, folder: Path) -> Iterator[Path]:
        """Yield the paths of its shards, without an end."""
        name = self.name or f"{self.number:05d}"
        return (folder / f"{name}-{chunk:05d}.parquet" for chunk in count())


class Row(NamedTuple):
    """A row of a source: its name, and the record or what is wrong with it."""

    name: str
    found: Record | BadRow


class Source(Protocol):
    """Where records come from. Reading a piece again gives the same rows."""

    def pieces(self) -> list[Piece]:
        """Return all pieces, in order."""

    def read(self, piece: Piece) -> Iterator[Row]:
        """Yield the rows of a piece."""


class Step(Protocol):
    """What is done to a chunk of records. Equal chunks give equal results."""

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Return what becomes of the records; what is left out goes to ``drops``."""


class Totals(NamedTuple):
    """What a run came to: rows that went in, records that came out, and what was left out."""

    taken: int
    kept: int
    drops: Drops


class Job(NamedTuple):
    """What is done to every piece; see :func:`run`."""

    source: Source
    steps: Sequence[Step]
    folder: Path
    shape: Shape


def run(
    source: Source,
    steps: Sequence[Step],
    folder: Path,
    settings: Mapping[str, Any],
    *,
    shape: Shape = RECORDS,
    title: str = "rows",
    ray: str | None = None,
) -> Totals:
    """Run a recipe, or go on with one that was stopped.

    Args:
        source: Where the records come from.
        steps: What is done to them, in order. Those that have a ``close`` are closed at the end.
        folder: Where the shards go.
        settings: Everything that decides what is in the shards, as plain data.
        shape: What the shards look like.
        title: What the progress bar says.
        ray: Address of a Ray cluster to work on, ``auto`` or ``local``; None for this process.

    Raises:
        DataError: The folder holds something else, or the source cannot be read.
    """
    from tqdm import tqdm

    job, pieces = Job(source, steps, folder, shape), source.pieces()
    totals = Totals(0, 0, Drops())
    with output_folder(folder, settings), ExitStack() as stack:
        if ray is None:
            for step in steps:
                if hasattr(step, "close"):
                    stack.callback(step.close)
            notes: Iterable[Mapping[str, Any]] = chain.from_iterable(run_piece(job, piece) for piece in pieces)
        else:
            from data_recipes.on_ray import run_pieces

            notes = run_pieces(job, pieces, ray)
        total = sum(piece.rows for piece in pieces) or None
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


def run_piece(job: Job, piece: Piece) -> Iterator[dict[str, Any]]:
    """Make the shards of a piece that are missing; yield the note of every one."""
    if (finished := _notes_of_finished(job, piece)) is not None:
        yield from finished
        return
    rows = iter(job.source.read(piece))
    following = list(islice(rows, 1))
    for path in piece.shards(job.folder):
        chunk = [*following, *islice(rows, job.shape.rows - 1)]
        following = list(islice(rows, 1))
        if path.exists():
            yield read_note(path) | {"old": True}
        else:
            yield _make_shard(job, path, chunk, last=not following)
        if not following:
            return


def _make_shard(job: Job, path: Path, rows: Sequence[Row], last: bool) -> dict[str, Any]:
    drops = Drops()
    records = list(sound(rows, drops))
    for step in job.steps:
        records = step(records, drops)
    note = {"taken": len(rows), "kept": len(records), "drops": drops.to_dict(), "last": last}
    write_shard(path, records, job.shape, note)
    return note


def sound(rows: Iterable[Row], drops: Drops) -> Iterator[Record]:
    """Yield the records of rows; what is wrong with the others goes to ``drops``."""
    for row in rows:
        if isinstance(row.found, BadRow):
            drops.add(row.name, row.found)
        else:
            yield row.found


def _notes_of_finished(job: Job, piece: Piece) -> list[dict[str, Any]] | None:
    """Return the notes of a piece's shards if none is missing, so that it need not be read again."""
    notes: list[dict[str, Any]] = []
    for path in piece.shards(job.folder):
        if not path.exists():
            break
        notes.append(read_note(path) | {"old": True})
        if notes[-1]["last"]:
            return notes
    return None
