"""Objects in files of requests, of whatever format, and of all files in a directory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vincicoder.errors import ConfigError
from vincicoder.registry import install_command
from vincicoder.trainers.rollouts import TITLES, is_generations_log, logged_generations, responses_in, trainer_of

_LINES, _TABLES, _LOGS = (".jsonl", ".ndjson"), (".parquet",), (".log",)
_PARQUET_ROWS = 32  # read at a time: rows may hold whole images
_PEEKED = 20


class Raw(NamedTuple):
    """An object of a file.

    Attributes:
        number: Its line (JSONL) or row (Parquet) from 1 where a file holds one object on each; else how manieth of all.
        place: Where it is, in words.
        record: Its columns, those of a trainer under our names; or what is wrong with it.
    """

    number: int
    place: str
    record: dict[str, Any] | str


class RawRequests:
    """The objects of a file, or of the files of a directory in the order of the numbers in their names.

    Args:
        path: The file, ``.jsonl``, ``.parquet`` or EasyR1's ``generations.log``; or the directory.

    Attributes:
        trainer: Which trainer has written it, by its own name for itself; "" for none that is known.
        columns: Names of the columns that its first objects have, as our names.

    Raises:
        ConfigError: There is no such file, it is of another format, or it holds no object.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = _files(path)
        self._kind = ""
        peeked = [each for _, each in zip(range(_PEEKED), self, strict=False)]
        records = [each.record for each in peeked if isinstance(each.record, dict)]
        if not records:
            reason = f"{peeked[0].place} is {peeked[0].record}" if peeked else "it is empty"
            raise ConfigError(f"the requests file {str(path)!r} must have one JSON object on each line: {reason}")
        self.trainer = TITLES.get(self._kind, "")
        self.columns = list(dict.fromkeys(name for record in records for name in record))

    def __len__(self) -> int:
        """Return the number of objects; blank and broken lines of a file of lines count."""
        if self._kind in ("swift", "easyr1"):
            return sum(1 for _ in self)
        return sum(_length(file) for file in self._files)

    def __iter__(self) -> Iterator[Raw]:
        """Yield every object."""
        count = 0
        table: object = None
        for file in self._files:
            label = "" if len(self._files) == 1 else f"{file.name}, "
            for line, found in _objects(file):
                place = f"{label}line {line}"
                kind = trainer_of(found) if isinstance(found, dict) else None
                if kind is None or isinstance(found, str):
                    count = count + 1 if label else line
                    yield Raw(count, place, found)
                    continue
                self._kind = kind
                if kind == "swift" and found == table:
                    continue  # ms-swift writes the table of its last step again when the run ends
                table = found
                for index, record in enumerate(responses_in(kind, found), start=1):
                    count = line if not label and kind in ("verl", "trl") else count + 1
                    yield Raw(count, f"{place}, response {index}" if kind == "swift" else place, record)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [each for each in path.iterdir() if each.suffix.lower() in (*_LINES, *_TABLES) and each.is_file()]
        if not found:
            raise ConfigError(f"the directory {str(path)!r} has no .jsonl or .parquet file; give one of responses")
        return sorted(found, key=_by_numbers)
    if not path.is_file():
        raise ConfigError(f"the requests file {str(path)!r} does not exist; give the path of a .jsonl or .parquet file")
    suffix = path.suffix.lower()
    if suffix in _LOGS:
        with path.open(encoding="utf-8", errors="replace") as file:
            if is_generations_log(file.read(64)):
                return [path]
    if suffix not in (*_LINES, *_TABLES):
        raise ConfigError(
            f"the requests file {str(path)!r} must end in .jsonl or .parquet, or be a generations.log of EasyR1"
        )
    return [path]


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield line and content, or what is wrong with it."""
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        batches = open_parquet(path).iter_batches(batch_size=_PARQUET_ROWS)
        yield from enumerate((record for batch in batches for record in batch.to_pylist()), start=1)
    elif suffix in _LOGS:
        with path.open(encoding="utf-8", errors="replace") as lines:
            yield from logged_generations(lines)
    else:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if text := line.removeprefix(b"\xef\xbb\xbf").strip():
                    yield number, _parse(text)


def _length(path: Path) -> int:
    if path.suffix.lower() in _TABLES:
        return int(open_parquet(path).metadata.num_rows)
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            count, last = count + chunk.count(b"\n"), chunk[-1:]
    return count + (last != b"\n")


def _parse(line: bytes) -> dict[str, Any] | str:
    """Return the JSON object, or what is wrong with it."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return (
        record
        if isinstance(record, dict)
        else f"JSON, but {'null' if record is None else kind_of(record)}, not an object"
    )


def kind_of(value: object) -> str:
    """Return what a value is in the words of JSON."""
    if value is None:
        return "missing"
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), f"of type {type(value).__name__}")


def open_parquet(path: Path) -> Any:
    """Return the Parquet file.

    Raises:
        ConfigError: It is none, or pyarrow is missing.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(f"reading {str(path)!r} needs pyarrow; run: {install_command('parquet')}") from None
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the requests file {str(path)!r} is not a Parquet file: {error}") from error


def _by_numbers(path: Path) -> list[tuple[bool, int, str]]:
    parts = re.findall(r"\d+|\D+", path.name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
