"""Files of any public set: Parquet, JSON lines and lists, and the pictures beside them, in folders or zip files."""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from data_recipes.pipeline import Piece
from vincicoder.data import BadRow, DataError, Reason
from vincicoder.data.files import DataFile, classify, cut
from vincicoder.data.files import Piece as FilePiece
from vincicoder.data.reading import raw_rows

SUFFIXES = (".parquet", ".jsonl", ".json")
_OURS = ("dataset_infos.json", "report.json")
_READ_AHEAD = 1 << 20  # characters
_LARGEST = 256 << 20  # bytes of a picture file


def file_pieces(
    root: Path,
    required: Sequence[str] = (),
    suffixes: Sequence[str] = SUFFIXES,
    wanted: Callable[[Path], bool] = lambda path: True,
) -> list[Piece]:
    """Cut the files of a folder, or the one file that ``root`` is, into pieces.

    Args:
        root: A folder, or a file.
        required: Columns that every file must have.
        suffixes: Of the files that hold rows.
        wanted: Says of each file in a folder, by its path below it, whether it is needed.

    Raises:
        DataError: There is no such folder, no file in it, or a file lacks a column.
    """
    if not root.exists():
        raise DataError(f"the data folder {root} does not exist; give the folder that holds the files")
    found = [root] if root.is_file() else sorted(root.rglob("*"))
    rows = [path for path in found if path.suffix in suffixes and not _is_note(path) and path.is_file()]
    paths = [path for path in rows if path == root or wanted(path.relative_to(root))]
    if rows and not paths:
        raise DataError(f"the data folder {root} holds only {rows[0].name} and the like, which are left out; "
                        "name the file itself to have it read")  # fmt: skip
    if not paths:
        there = ", ".join(sorted(path.name for path in found)[:5]) or "nothing"
        raise DataError(f"the data folder {root} holds no {', '.join(suffixes)} file but {there}")
    pieces: list[FilePiece] = []
    for path in paths:
        if path.suffix == ".json":
            pieces.append(_json_piece(path, required))
        else:
            pieces += cut([DataFile(path, *classify(path.name))], required, {})
    return [Piece(index, piece.rows, piece) for index, piece in enumerate(pieces)]


def _is_note(path: Path) -> bool:
    return path.name in _OURS or path.name.startswith(".")


def columns_of(path: str) -> list[str]:
    """Return the columns of a file; of JSON those of its first object."""
    if path.endswith(".parquet"):
        import pyarrow.parquet

        return list(pyarrow.parquet.read_schema(path).names)
    rows = json_items(Path(path)) if path.endswith(".json") else _lines(Path(path))
    return list(next((row for row in rows if isinstance(row, dict)), {}))


def rows_of_piece(piece: Piece) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """Yield the rows of a piece with their numbers; broken ones as the fault."""
    where: FilePiece = piece.where
    if not where.path.endswith(".json"):
        yield from raw_rows(where, None, {})
        return
    for number, item in enumerate(json_items(Path(where.path))):
        if isinstance(item, dict):
            yield number, item
        else:
            yield number, BadRow(Reason.WRONG_TYPE, f"the item is {type(item).__name__}; expected an object")


def json_items(path: Path) -> Iterator[Any]:
    """Yield the items of a JSON list, however large, with little of it in memory.

    Raises:
        DataError: The file holds no list, or is damaged.
    """
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(_READ_AHEAD).lstrip("\ufeff \t\r\n")
        if not text.startswith("["):
            raise DataError(f"{path} is no JSON list of rows; turn it into one, or into JSON lines (.jsonl)")
        text = text[1:]
        while True:
            text = text.lstrip(" \t\r\n,")
            if text.startswith("]"):
                return
            try:
                item, end = decoder.raw_decode(text)
                whole = end < len(text)  # a number that ends where the text does may go on
            except ValueError:
                whole = False
            if whole:
                yield item
                text = text[end:]
                continue
            more = file.read(max(_READ_AHEAD, len(text)))
            if not more:
                raise DataError(f"{path} is damaged or cut off near {text[:60]!r}; download it again")
            text += more


def _json_piece(path: Path, required: Sequence[str]) -> FilePiece:
    status = path.stat()
    columns = columns_of(str(path))
    missing = [name for name in required if name not in columns]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)} but {', '.join(columns) or 'none at all'}")
    return FilePiece(str(path), None, 0, 0, *classify(path.name), f"{status.st_size}-{status.st_mtime_ns}")


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as lines:
        yield from map(_parsed, lines)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


class PictureFiles:
    """The pictures of a folder, those inside its zip files included.

    A zip file is opened once, since reading the list of what it holds takes seconds for a large one.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._members: dict[str, list[tuple[zipfile.ZipFile, str]]] | None = None

    def get(self, name: str) -> bytes:
        """Return a picture's file by the path that a row gives, which may begin above or below the folder.

        Raises:
            BadRow: There is none, or it cannot be told which of several is meant.
        """
        # A row may name files of the folder only, not of this machine.
        parts = [part for part in Path(name).parts if part not in ("/", "..")]
        for start in range(len(parts)):
            path = self.root.joinpath(*parts[start:])
            if path.is_file():
                return path.read_bytes()
        if self._members is None:
            self._members = self._index()
        found = self._members.get(Path(name).name, [])
        shared = [_shared_tail(parts, Path(member).parts) for _, member in found]
        nearest = [each for each, length in zip(found, shared, strict=True) if length == max(shared)]
        if len(nearest) > 1:
            raise BadRow(Reason.BROKEN_PICTURE, f"the picture {name} may be {nearest[0][1]} or {nearest[1][1]}")
        if nearest:
            archive, member = nearest[0]
            if (size := archive.getinfo(member).file_size) > _LARGEST:
                raise BadRow(Reason.HUGE_PICTURE, f"{member} in {archive.filename} has {size:,} bytes")
            try:
                return archive.read(member)
            except zipfile.BadZipFile as error:
                raise BadRow(Reason.BROKEN_PICTURE, f"{member} in {archive.filename} is damaged: {error}") from error
        raise BadRow(Reason.BROKEN_PICTURE, f"the picture {name} is neither under {self.root} nor in its zip files")

    def _index(self) -> dict[str, list[tuple[zipfile.ZipFile, str]]]:
        index: dict[str, list[tuple[zipfile.ZipFile, str]]] = {}
        for path in sorted(self.root.rglob("*.zip")):
            try:
                archive = zipfile.ZipFile(path)
            except zipfile.BadZipFile as error:
                raise DataError(f"{path} is damaged or cut off ({error}); download it again") from error
            for member in archive.namelist():
                index.setdefault(Path(member).name, []).append((archive, member))
        return index


def _shared_tail(parts: Sequence[str], others: Sequence[str]) -> int:
    """Return how many of their last parts two paths have in common."""
    pairs = zip(reversed(parts), reversed(others), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
