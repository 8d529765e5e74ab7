"""Directories of Parquet shards: written whole or not at all, each with the count of what was left out of it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from data_recipes.engine.drops import Drops
from vincicoder.data import DataError, Record
from vincicoder.data.layouts import LAYOUTS

CHUNK = 128
"""Rows of a source that become one shard."""

_NOTE = b"vincicoder"
_PARTIAL = ".partial"
_RANGE = re.compile(r"range\((\d+), (\d+)\)")  # a unit of generated rows


class ShardFormat(NamedTuple):
    """What shards look like.

    Attributes:
        layout: A name of ``LAYOUTS``.
        rows: Rows of a source that become one shard.
        paths: Whether images are in files of their own, named by their paths.
    """

    layout: str = "records"
    rows: int = CHUNK
    paths: bool = False


RECORDS = ShardFormat()
"""The format of what recipes hand on to each other."""


def write_shard(path: Path, records: Sequence[Record], format: ShardFormat, note: Mapping[str, Any]) -> None:
    """Write records; there may be none.

    Args:
        path: Where to.
        records: What the shard holds.
        format: What it looks like.
        note: Plain data that the file carries along.

    Raises:
        DataError: It cannot be written.
    """
    import pyarrow
    import pyarrow.parquet

    layout = LAYOUTS.get(format.layout)
    table = pyarrow.Table.from_pylist([layout.write(record) for record in records], layout.schema(format.paths))
    table = table.replace_schema_metadata({_NOTE: json.dumps(note, sort_keys=True)})
    write_whole(
        path,
        lambda file: pyarrow.parquet.write_table(table, file, compression="zstd", row_group_size=256),
        path.parent,
    )


def write_whole(path: Path, write: Callable[[IO[bytes]], object], directory: Path) -> None:
    """Write a file that is there whole or not at all, whenever the machine stops, with any number of writers.

    Args:
        path: Where to.
        write: Writes its content.
        directory: Holds it while it is unfinished.

    Raises:
        DataError: It cannot be written, as on a full disk.
    """
    partial = directory / f"{path.name}.{uuid.uuid4().hex}{_PARTIAL}"
    try:
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = error.strerror or error
        raise DataError(f"{path} cannot be written ({why}); once that is fixed the same command goes on") from error


def read_note(path: Path) -> dict[str, Any]:
    """Return the note of a shard.

    Raises:
        DataError: It is no shard of ours.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
        note: dict[str, Any] = json.loads(metadata[_NOTE])
    except (pyarrow.ArrowException, OSError, KeyError, ValueError) as error:
        raise DataError(
            f"{path} was not written by a recipe ({error!r}); remove it, and run the recipe again"
        ) from error
    return note


def shards_of(directory: Path) -> list[Path]:
    """Return the shards of a directory, in their order.

    Raises:
        DataError: There is no such directory, or no shard in it.
    """
    if not directory.is_dir():
        raise DataError(f"the directory {directory} does not exist; give one that a recipe has written")
    paths = sorted(directory.resolve().glob("*.parquet"))
    if not paths:
        raise DataError(f"the directory {directory} holds no Parquet file; give one that a recipe has written")
    return paths


def describe_file(path: Path) -> str:
    """Return what identifies a file, wherever its directory lies, also among older ones of its name."""
    return f"{path.parent.name}/{path.name} of {path.stat().st_size} bytes"


def rows_of(paths: Sequence[Path], columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of shards, a few in memory at a time.

    Raises:
        DataError: A file is damaged, or has no such column.
    """
    for path in paths:
        yield from _rows_of_file(path, columns)


def _rows_of_file(path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            if missing := [name for name in columns or () if name not in file.schema_arrow.names]:
                raise DataError(f"{path} has no column {', '.join(missing)}; run it through collect first")
            for batch in file.iter_batches(64, columns=columns, use_threads=False):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged ({error}); remove it, and run its recipe again") from error


def drops_of(directory: Path) -> tuple[int, Drops]:
    """Return how many rows went into a directory of shards, and what was left out."""
    drops, taken = Drops(), 0
    for path in shards_of(directory):
        note = read_note(path)
        taken += note["taken"]
        drops.update(note["drops"])
    return taken, drops


@contextmanager
def output_directory(directory: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Open a directory for writing: new, or that of a run with equal settings that was stopped.

    The directory will hold Parquet files and nothing else, since trainers load whatever is in it; the settings are
    written beside it.

    Raises:
        DataError: It holds something else, cannot be written to, or another run writes to it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise DataError(
            f"the directory {directory} cannot be written to: {error.strerror}; choose another with --out"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(f"another run is writing to {directory}; wait for it, or choose another --out") from error
        _check_settings(directory, settings)
        for stale in directory.glob(f"*{_PARTIAL}"):
            stale.unlink(missing_ok=True)
        yield
    finally:
        os.close(lock)


def _check_settings(directory: Path, settings: Mapping[str, Any]) -> None:
    path = settings_file(directory)
    text = json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    begun = any(directory.glob("*.parquet"))
    there = path.read_text(encoding="utf-8") if path.is_file() else None
    if begun and there is None:
        raise DataError(f"{directory} holds Parquet files, but there is no {path.name} beside it; choose another --out")
    if begun and there != text:
        old = _settings_in(str(there))
        grown = _grown_unit(old, json.loads(text))
        if grown is None:
            changed = _changes(old, settings)
            raise DataError(
                f"{directory} was begun with other settings ({changed}); choose another --out, or remove it"
            )
        for shard in directory.glob(f"{grown:05d}-*.parquet"):  # will be made again, with more rows
            shard.unlink()
    if there != text:
        write_whole(path, lambda file: file.write(text.encode()), path.parent)


def settings_file(directory: Path) -> Path:
    """Return where the settings of the run that writes to a directory are kept."""
    whole = directory.resolve()
    return whole.with_name(f".{whole.name}.run.json")


def _settings_in(text: str) -> dict[str, Any]:
    """Return the settings that a note holds; nothing if it is damaged."""
    try:
        old = json.loads(text)
    except ValueError:
        return {}
    return old if isinstance(old, dict) else {}


def _grown_unit(old: Mapping[str, Any], new: Mapping[str, Any]) -> int | None:
    """Return the number of the last old unit where a run only got more generated rows, which begin as the old ones."""
    if any(old.get(name) != new.get(name) for name in {*old, *new} - {"units"}):
        return None
    before, after = ([_RANGE.fullmatch(unit) for unit in settings.get("units", [])] for settings in (old, new))
    if not (before and len(before) <= len(after) and all(before) and all(after)):
        return None
    spans = [[(int(each[1]), int(each[2])) for each in units if each] for units in (before, after)]
    last = len(before) - 1
    (start, stop), (new_start, new_stop) = spans[0][last], spans[1][last]
    same = spans[0][:last] == spans[1][:last] and start == new_start and stop <= new_stop
    return (last if stop < new_stop else last + 1) if same else None


def _changes(old: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    if not old:
        return "the note of them is damaged"
    names = sorted(name for name in {*old, *settings} if old.get(name) != settings.get(name))
    return "; ".join(f"{name} was {old.get(name)!r:.80} and is {settings.get(name)!r:.80}" for name in names)
