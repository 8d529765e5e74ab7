"""A recipe's run: records stream from a source through steps into shards.

A source is cut into pieces, a piece into chunks of ``CHUNK`` rows, and each chunk becomes one shard. What is in a shard
depends on its chunk and the settings alone, and a shard is there whole or not at all. So a run that was killed goes on
with the first shard that is missing, ends with the bytes that an undisturbed run has, and pieces can be worked on by
any number of machines. In memory is one chunk at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from data_recipes.drops import Drops
from data_recipes.shards import output_folder, read_note, write_table
from vincicoder.data import BadRow, Record

CHUNK = 128
"""Rows of a source that become one shard."""

T = TypeVar("T")


class Piece(NamedTuple):
    """A part of a source that is read by itself.

    Attributes:
        number: Its place among the pieces.
        rows: How many rows it has, as far as is known.
        where: What its source needs to find it.
    """

    number: int
    rows: int
    where: Any


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


def run(
    source: Source,
    steps: Sequence[Step],
    folder: Path,
    settings: Mapping[str, Any],
    *,
    title: str = "rows",
    ray: str | None = None,
) -> Totals:
    """Run a recipe, or go on with one that was stopped.

    Args:
        source: Where the records come from.
        steps: What is done to them, in order. Those that have a ``close`` are closed at the end.
        folder: Where the shards go.
        settings: Everything that decides what is in them, as plain data.
        title: What the progress bar says.
        ray: Address of a Ray cluster to work on, ``auto`` or ``local``; None for this process.

    Raises:
        DataError: The folder holds something else, or the source cannot be read.
    """
    from tqdm import tqdm

    pieces = source.pieces()
    totals = Totals(0, 0, Drops())
    with output_folder(folder, settings), ExitStack() as stack:
        if ray is None:
            for step in steps:
                if hasattr(step, "close"):
                    stack.callback(step.close)
            notes: Iterable[Mapping[str, Any]] = chain.from_iterable(
                run_piece(source, steps, piece, folder) for piece in pieces
            )
        else:
            from data_recipes.on_ray import run_pieces

            notes = run_pieces(source, steps, pieces, folder, ray)
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


def run_piece(source: Source, steps: Sequence[Step], piece: Piece, folder: Path) -> Iterator[dict[str, Any]]:
    """Make the shards of a piece that are missing; yield the note of every one."""
    names = (folder / f"{piece.number:05d}-{chunk:05d}.parquet" for chunk in range(sys.maxsize))
    if (done := _notes_of_finished(piece, folder)) is not None:
        yield from done
        return
    chunks = chunked(source.read(piece), CHUNK)
    following = next(chunks, [])
    for path in names:
        rows, following = following, next(chunks, [])
        if path.exists():
            yield read_note(path) | {"old": True}
        else:
            yield _make_shard(path, rows, steps, last=not following)
        if not following:
            return


def _make_shard(path: Path, rows: Sequence[Row], steps: Sequence[Step], last: bool) -> dict[str, Any]:
    drops, records = Drops(), []
    for row in rows:
        if isinstance(row.found, BadRow):
            drops.add(row.name, row.found)
        else:
            records.append(row.found)
    for step in steps:
        records = step(records, drops)
    note = {"taken": len(rows), "kept": len(records), "drops": drops.to_dict(), "last": last}
    write_table(path, [record.to_dict() for record in records], record_schema(), note)
    return note


def _notes_of_finished(piece: Piece, folder: Path) -> list[dict[str, Any]] | None:
    """Return the notes of a piece's shards if none is missing, so that it need not be read again."""
    notes = []
    for path in sorted(folder.glob(f"{piece.number:05d}-*.parquet")):
        notes.append(read_note(path) | {"old": True})
        if path.name != f"{piece.number:05d}-{len(notes) - 1:05d}.parquet":
            return None
    return notes if notes and notes[-1]["last"] else None


def record_schema() -> Any:
    """Return the Arrow schema of records."""
    import pyarrow

    text = ("id", "domain", "task", "language", "prompt", "code", "defective_code", "answer", "source", "licence")
    fields = {name: pyarrow.string() for name in text} | {"checks": pyarrow.string()}
    target = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    names = Record.__dataclass_fields__
    return pyarrow.schema([(name, target if name == "target" else fields[name]) for name in names])


def chunked(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield items in lists of ``size``; the last may be shorter."""
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk
