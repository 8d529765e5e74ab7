"""Folders of Parquet shards: written whole or not at all, each with the count of what was left out of it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_recipes.drops import Drops
from vincicoder.data import DataError

_NOTE = b"vincicoder"
_PARTIAL = ".partial"


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], schema: Any, note: Mapping[str, Any]) -> None:
    """Write a Parquet file that is there whole or not at all, whenever the machine stops.

    Args:
        path: Where to.
        rows: Its rows; there may be none.
        schema: Their Arrow schema.
        note: Plain data that the file carries along.
    """
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist(list(rows), schema)
    table = table.replace_schema_metadata({_NOTE: json.dumps(note, sort_keys=True)})
    partial = path.with_name(f"{path.name}{_PARTIAL}")
    with partial.open("wb") as file:
        pyarrow.parquet.write_table(table, file, compression="zstd", row_group_size=256)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


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
        raise DataError(f"{path} is no shard of a recipe ({error!r}); remove it, and run the recipe again") from error
    return note


def shards_of(folder: Path) -> list[Path]:
    """Return the shards of a folder, in their order.

    Raises:
        DataError: There is no such folder, or no shard in it.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist; give one that a recipe has written")
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise DataError(f"the folder {folder} holds no Parquet file; give one that a recipe has written")
    return paths


def rows_of(paths: Sequence[Path], columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of shards, a few in memory at a time."""
    import pyarrow.parquet

    for path in paths:
        with pyarrow.parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            for batch in file.iter_batches(64, columns=columns, use_threads=False):
                yield from batch.to_pylist()


def drops_of(folder: Path) -> tuple[int, Drops]:
    """Return how many rows went into a folder of shards, and what was left out."""
    drops, taken = Drops(), 0
    for path in shards_of(folder):
        note = read_note(path)
        taken += note["taken"]
        drops.update(note["drops"])
    return taken, drops


@contextmanager
def output_folder(folder: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Open a folder for writing: new, or that of a run with equal settings that was stopped.

    Raises:
        DataError: It holds something else, or another run writes to it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be made: {error.strerror}; choose another with --out") from error
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataError(f"another run is writing to {folder}; wait for it, or choose another --out") from error
        _check_settings(folder, settings)
        for stale in folder.glob(f"*{_PARTIAL}"):
            stale.unlink()
        yield


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    path = folder / "run.json"
    text = json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if path.is_file():
        if (there := path.read_text(encoding="utf-8")) != text:
            changed = _changes(there, settings)
            raise DataError(f"{folder} was begun with other settings ({changed}); choose another --out, or remove it")
        return
    if any(folder.glob("*.parquet")):
        raise DataError(f"{folder} holds Parquet files that no recipe wrote; choose another --out")
    partial = path.with_name(path.name + _PARTIAL)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _changes(there: str, settings: Mapping[str, Any]) -> str:
    try:
        old = json.loads(there)
    except ValueError:
        return "run.json is damaged"
    names = sorted(name for name in {*old, *settings} if old.get(name) != settings.get(name))
    return "; ".join(f"{name} was {old.get(name)!r:.80} and is {settings.get(name)!r:.80}" for name in names)
