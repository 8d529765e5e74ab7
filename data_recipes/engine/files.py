"""Files of any public set: Parquet, JSON lines and lists, and the images beside them, in directories or zip files."""

from __future__ import annotations

import itertools
import json
import lzma
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from data_recipes.engine.units import Unit
from vincicoder.data import BadRow, DataError, Reason
from vincicoder.data.domains import classify
from vincicoder.data.files import DataFile, FilePart, cut, table_columns
from vincicoder.data.tables import raw_rows
from vincicoder.errors import VinciCoderError

SUFFIXES = (".parquet", ".jsonl", ".json")
_OURS = ("dataset_infos.json", "report.json")
_READ_AHEAD = 1 << 20  # characters
_LARGEST = 64 << 20  # bytes of an image file

_UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, BadZipFile)
"""What reading a file with a strange name or a zip file's member may raise."""

_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{},]', re.DOTALL)
"""Strings of JSON, also one that is cut off, and what stands around values: enough to step over a bad item."""

_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


def file_units(
    root: Path,
    required: Sequence[str] = (),
    suffixes: Sequence[str] = SUFFIXES,
    wanted: Callable[[Path], bool] = lambda path: True,
) -> list[Unit]:
    """Cut the files of a directory, or the one file that ``root`` is, into units.

    Args:
        root: A directory, or a file.
        required: Columns that every file must have.
        suffixes: Of the files that hold rows.
        wanted: Says of each file in a directory, by its path below it, whether it is needed.

    Raises:
        DataError: There is no such directory, no file in it, or a file lacks a column.
    """
    if not root.exists():
        raise DataError(f"the data directory {root} does not exist; give the directory that holds the files")
    found = [root] if root.is_file() else sorted(root.rglob("*"))
    rows = [path for path in found if path.suffix in suffixes and not _is_note(path) and path.is_file()]
    paths = [path for path in rows if path == root or wanted(path.relative_to(root))]
    if rows and not paths:
        raise DataError(f"the data directory {root} has only files that are left out, such as {rows[0].name}; "
                        "name the file itself to have it read")  # fmt: skip
    if not paths:
        there = ", ".join(sorted(path.name for path in found)[:5]) or "nothing"
        raise DataError(f"the data directory {root} has no {', '.join(suffixes)} file; it has: {there}; "
                        "download the data to it, or give the directory that holds them")  # fmt: skip
    parts: list[FilePart] = []
    for path in paths:
        if path.suffix == ".json":
            parts.append(_json_part(path, required))
        else:
            parts += cut([DataFile(path, *classify(path.name))], required, {})
    return [Unit(index, part.rows, part) for index, part in enumerate(parts)]


def _is_note(path: Path) -> bool:
    return path.name in _OURS or path.name.startswith(".")


def columns_of(path: str) -> list[str]:
    """Return the columns of a file; of JSON those of its first object."""
    if path.endswith((".parquet", ".jsonl")):
        return table_columns(Path(path))
    return list(next((item for item in json_items(Path(path)) if isinstance(item, dict)), {}))


def rows_of_unit(unit: Unit) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """Yield the rows of a unit with their numbers; broken ones as the fault."""
    part: FilePart = unit.where
    if not part.path.endswith(".json"):
        yield from raw_rows(part, None, {})
    else:
        yield from enumerate(json_items(Path(part.path)))


def json_items(path: Path) -> Iterator[dict[str, Any] | BadRow]:
    """Yield the items of a JSON list, however large, with little of it in memory; broken ones as the fault.

    The standard library's decoder reads one item at a time. ijson was tried: it ends at the first item that is no valid
    UTF-8 or has a number beyond 64 bits, where this one loses that item alone, and deep nesting takes all its memory.

    Raises:
        DataError: The file holds no list, or is damaged.
    """
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        text = file.read(_READ_AHEAD).lstrip("\ufeff \t\r\n")
        if not text.startswith("["):
            raise DataError(f"{path} is not a JSON list of rows; convert it to one, or to JSON lines (.jsonl)")
        text = text[1:]
        while True:
            text = text.lstrip(" \t\r\n,")
            if text.startswith("]"):
                return
            item, end = _first_item(text)
            if end < len(text):  # a number that ends where the text does may go on
                yield item
                text = text[end:]
                continue
            more = file.read(max(_READ_AHEAD, len(text)))
            if not more:
                raise DataError(f"{path} is damaged or cut off near {text[:60]!r}; download it again")
            text += more


def _first_item(text: str) -> tuple[dict[str, Any] | BadRow, int]:
    """Return the item that a text begins with and where it ends; at the text's end if it may go on there."""
    try:
        item, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError:
        return BadRow(Reason.INVALID_JSON, "the item is damaged or cut off"), len(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or nested too deeply
        return BadRow(Reason.INVALID_JSON, f"the item cannot be read: {error}"), _end_of_item(text)
    if not text.isascii() and re.search("[\udc80-\udcff]", text[:end]):  # bytes; JSON's own escapes are ASCII
        return BadRow(Reason.INVALID_UTF8, "the item is not valid UTF-8"), end
    if not isinstance(item, dict):
        return BadRow(Reason.WRONG_TYPE, f"the item is {type(item).__name__}; expected an object"), end
    return item, end


def _end_of_item(text: str) -> int:
    """Return where the item that a text begins with ends, however deep it is."""
    depth = 0
    for mark in _MARKS.finditer(text):
        if depth == 0 and mark[0] in (",", "]"):
            return mark.start()
        depth += _DEPTH.get(mark[0], 0)
    return len(text)


def _json_part(path: Path, required: Sequence[str]) -> FilePart:
    status = path.stat()
    columns = columns_of(str(path))
    missing = [name for name in required if name not in columns]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; its columns are: {', '.join(columns) or 'none'}")
    return FilePart(str(path), None, 0, 0, *classify(path.name), f"{status.st_size}-{status.st_mtime_ns}")


class ImageFiles:
    """The images of a directory, those inside its zip files included.

    A zip file is opened once, since reading the list of what it holds takes seconds for a large one.

    Args:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._members: dict[str, list[tuple[ZipFile, str]]] | None = None

    def get(self, name: str) -> bytes:
        """Return an image file by the path that a row gives, which may begin above or below the directory.

        Raises:
            BadRow: There is none that can be read, or several match.
        """
        # A row may name files of the directory only, not of this machine.
        parts = [part for part in Path(name).parts if part not in ("/", "..")]
        shown = repr(name[:100])
        try:
            found = self._in_directory(parts) or self._in_zip_files(parts)
        except VinciCoderError:
            raise
        except _UNREADABLE as error:
            raise BadRow(Reason.BROKEN_IMAGE, f"the image {shown} cannot be read: {error}") from error
        if not found:
            raise BadRow(Reason.BROKEN_IMAGE, f"the image {shown} is neither under {self.root} nor in its zip files")
        return found

    def _in_directory(self, parts: Sequence[str]) -> bytes | None:
        for start in range(len(parts)):
            path = self.root.joinpath(*parts[start:])
            if path.is_file():
                if not self._is_within(path.resolve()):
                    raise BadRow(Reason.BROKEN_IMAGE, f"{path} is a link that leads out of {self.root}")
                _check_size(path.stat().st_size, str(path))
                return path.read_bytes()
        return None

    def _is_within(self, path: Path) -> bool:
        """Whether a file is in the directory; of a snapshot of the hub, whose files are links, in its store."""
        snapshot = next((each for each in (self.root, *self.root.parents) if each.parent.name == "snapshots"), None)
        store = self.root if snapshot is None else snapshot.parents[1] / "blobs"
        return path.is_relative_to(self.root) or path.is_relative_to(store)

    def _in_zip_files(self, parts: Sequence[str]) -> bytes | None:
        if self._members is None:
            self._members = self._index()
        found = self._members.get(parts[-1], []) if parts else []
        shared = [_shared_tail(parts, Path(member).parts) for _, member in found]
        nearest = [each for each, length in zip(found, shared, strict=True) if length == max(shared)]
        if len(nearest) > 1:
            several = " or ".join(member for _, member in nearest[:2])
            raise BadRow(Reason.BROKEN_IMAGE, f"the image {'/'.join(parts)!r} may be {several}")
        if not nearest:
            return None
        archive, member = nearest[0]
        _check_size(archive.getinfo(member).file_size, f"{member} in {archive.filename}")
        return archive.read(member)

    def _index(self) -> dict[str, list[tuple[ZipFile, str]]]:
        index: dict[str, list[tuple[ZipFile, str]]] = {}
        for path in sorted(self.root.rglob("*.zip")):
            try:
                archive = ZipFile(path)
            except _UNREADABLE as error:
                raise DataError(f"{path} is damaged or cut off ({error}); download it again") from error
            for member in archive.namelist():
                index.setdefault(Path(member).name, []).append((archive, member))
        return index


def _check_size(size: int, name: str) -> None:
    if size > _LARGEST:
        raise BadRow(Reason.HUGE_IMAGE, f"{name} has {size:,} bytes; the limit for an image is {_LARGEST:,}")


def _shared_tail(parts: Sequence[str], others: Sequence[str]) -> int:
    """Return how many of their last parts two paths have in common."""
    pairs = zip(reversed(parts), reversed(others), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
