"""The files of a data set: found by glob, classified by name, cut into parts that several workers can share."""

from __future__ import annotations

import difflib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vincicoder.data.domains import DOMAINS, FILE_KEYWORDS, Task, classify
from vincicoder.data.errors import DataError

SUFFIXES = (".parquet", ".jsonl")

BUNDLE = 8
"""FileParts that a stream reads at the same time."""

_JSONL_ROW = 4096
"""Bytes that a line is guessed to have."""

SUBSETS = ("default", *(f"{domain}{task}" for domain in DOMAINS for task in ("", "-direct", "-refine")))
"""Names of subsets; ``default`` is everything."""


@dataclass(frozen=True)
class DataFile:
    """A file of rows, and what its name says of them.

    Attributes:
        domain: "others" if the name says nothing.
    """

    path: Path
    domain: str
    task: Task

    def is_in(self, subsets: Sequence[str]) -> bool:
        """Whether the file belongs to one of the subsets."""
        return in_subsets(self.domain, self.task, subsets)


class FilePart(NamedTuple):
    """What one worker reads at a time: a row group of a Parquet file, or a JSONL file."""

    path: str
    group: int | None
    first_row: int
    rows: int
    """How many; for JSONL a guess by the file's size."""
    domain: str
    task: Task
    stamp: str
    """Size and time of the file, so that what was made from an older one is not taken for this one's."""


def subset_of(domain: str, task: Task) -> str:
    """Return the name of the smallest subset that rows of this domain and task belong to.

    Example:
        >>> subset_of("chart", "refine"), subset_of("svg", "generate")
        ('chart-refine', 'svg-direct')
    """
    return f"{domain}-{'refine' if task == 'refine' else 'direct'}"


def in_subsets(domain: str, task: Task, subsets: Sequence[str]) -> bool:
    """Whether rows of this domain and task belong to one of the subsets."""
    return any(name in subsets for name in ("default", domain, subset_of(domain, task)))


def parse_subsets(names: Sequence[str], dataset: str) -> tuple[str, ...]:
    """Check the names of subsets; none, or ``all``, mean ``default``.

    Raises:
        DataError: There is no such subset.
    """
    subsets = tuple("default" if name == "all" else name for name in names) or ("default",)
    for name in subsets:
        if name not in SUBSETS:
            near = difflib.get_close_matches(name, SUBSETS, 1)
            hint = f"did you mean {near[0]!r}? All of them" if near else "the subsets"
            raise DataError(f"{dataset} has no subset {name!r}; {hint}: {', '.join(SUBSETS)}")
    return subsets


def name_patterns(subsets: Sequence[str]) -> list[str]:
    """Return glob patterns of the files that subsets may need, for downloading no more than that."""
    domains = {name.split("-")[0] for name in subsets}
    if domains & {"default", "others"}:
        return [f"*{suffix}" for suffix in SUFFIXES]
    return sorted(f"*{word}*{suffix}" for each in domains for word in FILE_KEYWORDS[each] for suffix in SUFFIXES)


def find_files(root: Path) -> list[DataFile]:
    """Return the data files under a directory, sorted, or the one file that ``root`` is.

    Raises:
        DataError: There is no such directory, or no data file in it.

    Example:
        >>> [(file.path.name, file.domain, file.task) for file in find_files(Path("sets/sft"))]  # doctest: +SKIP
        [('chart2code-00000.parquet', 'chart', 'generate')]
    """
    if root.is_file():
        return [DataFile(root, *classify(root.name))]
    if not root.is_dir():
        raise DataError(
            f"the data directory {root} does not exist; set it to the directory that holds the Parquet files"
        )
    paths = sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not paths:
        there = ", ".join(sorted(path.name for path in root.iterdir())[:5]) or "nothing"
        raise DataError(
            f"the data directory {root} has no .parquet or .jsonl file; it has: {there}; download the data to it"
        )
    return [DataFile(path, *classify(str(path.relative_to(root)))) for path in paths]


def select(files: Sequence[DataFile], subsets: Sequence[str], root: Path) -> list[DataFile]:
    """Return the files that belong to the subsets.

    Raises:
        DataError: None does.
    """
    chosen = [each for each in files if each.is_in(subsets)]
    if not chosen:
        counts = Counter(subset_of(each.domain, each.task) for each in files)
        there = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        raise DataError(f"{root} holds no file of the subset {'/'.join(subsets)}; its files are: {there}")
    return chosen


def cut(files: Iterable[DataFile], required: Sequence[str], columns: Mapping[str, str]) -> list[FilePart]:
    """Cut files into parts, having made sure that they have the required columns.

    Args:
        files: What to read.
        required: Names of columns.
        columns: Other names that columns have in the files, and the names they stand for.

    Raises:
        DataError: A file cannot be read, or lacks a column.
    """
    parts = []
    for file in files:
        status = file.path.stat()
        stamp = f"{status.st_size}-{status.st_mtime_ns}"
        rows, present = _parquet(file.path) if file.path.suffix == ".parquet" else _jsonl(file.path)
        missing = [name for name in required if name not in {columns.get(each, each) for each in present}]
        if missing:
            raise DataError(
                f"{file.path} has no column {', '.join(missing)}; its columns are: {', '.join(present) or 'none'}; "
                'rename them, or say which stand for which (ms-swift: --columns \'{"theirs": "ours"}\')'
            )
        first = 0
        for group, count in enumerate(rows):
            index = group if file.path.suffix == ".parquet" else None
            parts.append(FilePart(str(file.path), index, first, count, file.domain, file.task, stamp))
            first += count
    return parts


def mix(parts: Sequence[FilePart], seed: int = 42) -> list[tuple[FilePart, ...]]:
    """Deal parts at random into bundles of up to ``BUNDLE``, to be read by turns.

    A stream can only be shuffled within a small buffer. Read file by file it would bring all charts first, then all
    web pages; read by bundles, every stretch of it holds rows of many files.
    """
    shuffled = list(parts)
    random.Random(seed).shuffle(shuffled)
    count = -(-len(shuffled) // BUNDLE)
    return [tuple(shuffled[index::count]) for index in range(count)]


def _parquet(path: Path) -> tuple[list[int], list[str]]:
    """Return how many rows each row group has, and the columns."""
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_metadata(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet ({error}); download it again, or remove it") from error
    groups = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    return groups, list(metadata.schema.to_arrow_schema().names)


def _jsonl(path: Path) -> tuple[list[int], list[str]]:
    """Return one group, its length a guess, and the columns."""
    return [path.stat().st_size // _JSONL_ROW + 1], jsonl_columns(path)


def table_columns(path: Path) -> list[str]:
    """Return the columns of a Parquet or JSONL file; none if it is empty.

    Raises:
        DataError: It cannot be read.
    """
    return _parquet(path)[1] if path.suffix == ".parquet" else jsonl_columns(path)


def jsonl_columns(path: Path) -> list[str]:
    """Return the names in the first line that is an object; none if there is no such line."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                return list(row)
    return []
