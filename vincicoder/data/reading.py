"""Rows of a data set as hosts take them, streamed from their files; what cannot be used is noted and left out."""

from __future__ import annotations

import functools
import hashlib
import heapq
import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vincicoder import alignment, languages
from vincicoder.data import answers, files, pictures, prompts, public, record
from vincicoder.data.errors import BadRow, DataError, Reason
from vincicoder.data.files import Piece, in_subsets
from vincicoder.data.record import Record, picture_cell
from vincicoder.trainers import answer_fields


class Layout(NamedTuple):
    """How a data set's rows are laid out.

    Attributes:
        required: The columns that it cannot be read without.
        optional: Further columns that are read.
        read: A row of a piece to a record; raises BadRow.
        classified: Whether the names of its files tell domain and task; else each row does.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Mapping[str, Any], Piece], Record]
    classified: bool = False


LAYOUTS = {
    "sft": Layout(
        public.SFT_COLUMNS,
        (),
        lambda row, piece: public.from_sft(row, piece.domain, piece.task, Path(piece.path).parent),
        classified=True,
    ),
    "rl": Layout(public.RL_COLUMNS, ("language",), lambda row, piece: public.from_rl(row, Path(piece.path).parent)),
    "records": Layout(
        ("target", "code"),
        tuple(name for name in Record.__dataclass_fields__ if name not in ("target", "code")),
        lambda row, piece: Record.from_dict(row, Path(piece.path).parent),
    ),
}

_BUFFER = 1 << 20
"""Bytes read ahead. By default whole row groups are, and some files have only one."""

_BATCH = 32
"""Rows of Parquet that are in memory at a time."""


def read_rows(
    bundles: Sequence[Sequence[Piece]],
    layout: str,
    subsets: Sequence[str],
    columns: Mapping[str, str],
    answered: bool,
    strict: bool,
    rejects: str,
    rules: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield rows of messages.

    Args:
        bundles: What to read. Workers take a share of them each; the pieces of one are read by turns.
        layout: A name of ``LAYOUTS``.
        subsets: Which rows are wanted, where the names of files do not tell.
        columns: Other names that columns have in the files, and the names they stand for.
        answered: Whether the messages hold the answer.
        strict: Whether to stop at the first row that cannot be used.
        rejects: Path of the :class:`Rejects` of this run.
        rules: :func:`rules_digest`. Unused here; hosts that cache by the arguments of a call see changes by it.

    Yields:
        ``messages``, ``images`` (one ``{"bytes", "path"}``), ``solution`` (the code) and ``language``.

    Raises:
        DataError: ``strict``, and a row cannot be used.
    """
    kind = LAYOUTS[layout]
    noted = Rejects(Path(rejects))
    for bundle in bundles:
        for piece, number, row in _by_turns(bundle, kind, columns):
            try:
                if isinstance(row, BadRow):
                    raise row
                found = kind.read(row, piece)
                if not kind.classified and not in_subsets(found.domain, found.task, subsets):
                    continue
                if answered and not found.code.strip():
                    raise BadRow(Reason.EMPTY_CODE, "code is empty")
                pictures.check_picture(found.target)
            except BadRow as fault:
                if strict:
                    raise DataError(f"{piece.path}, row {number}: {fault}") from fault
                noted.add(piece.path, number, fault.reason)
                continue
            yield messages_of(found, answered)


def messages_of(found: Record, answered: bool = True) -> dict[str, Any]:
    """Return a record as a row of messages, the form that ms-swift trains on.

    Args:
        found: The record.
        answered: Whether the answer is among the messages.
    """
    messages = [{"role": "user", "content": f"<image>{found.prompt}"}]
    if answered:
        messages.append({"role": "assistant", "content": found.response})
    images = [picture_cell(found.target)]
    return {"messages": messages, "images": images, "solution": found.code, "language": found.language}


@functools.cache
def rules_digest() -> str:
    """Return a digest of the source of every rule that a row goes through."""
    rules = (alignment, languages, answers, files, pictures, prompts, public, record, answer_fields)
    sources = [inspect.getsource(each) for each in rules]
    sources += [path.read_text(encoding="utf-8") for path in (Path(__file__), *prompts.wording_files())]
    return hashlib.blake2b("\0".join(sources).encode(), digest_size=8).hexdigest()


class Rejects:
    """The rows that were left out: a file to which any number of processes append a line per row.

    Args:
        path: The file; made when the first row is noted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, file: str, row: int, reason: Reason) -> None:
        """Note a row. A line this short is written whole, also while other processes write."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(f"{reason.value}\t{row}\t{file}\n")

    def count(self) -> Counter[str]:
        """Return how many rows were left out, by reason; a row that was read several times counts once."""
        if not self.path.is_file():
            return Counter()
        with self.path.open(encoding="utf-8") as lines:
            return Counter(line.split("\t")[0] for line in set(lines))

    def summary(self, name: str) -> str | None:
        """Return one line on what was left out of the data set ``name``, or None if nothing was."""
        counts = self.count()
        if not counts:
            return None
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
        return f"{name}: left out {counts.total():,} rows ({reasons}); they are listed in {self.path}"


# Reading files, so that a bad cell costs its row and no other.


def _by_turns(
    bundle: Sequence[Piece], kind: Layout, columns: Mapping[str, str]
) -> Iterator[tuple[Piece, int, dict[str, Any] | BadRow]]:
    """Yield the rows of several pieces, each spread evenly over the whole."""
    readers = [raw_rows(piece, (*kind.required, *kind.optional), columns) for piece in bundle]
    turns = [(0.5 / max(piece.rows, 1), index) for index, piece in enumerate(bundle)]
    heapq.heapify(turns)
    while turns:
        progress, index = turns[0]
        piece = bundle[index]
        if (following := next(readers[index], None)) is None:
            heapq.heappop(turns)
        else:
            heapq.heapreplace(turns, (progress + 1 / max(piece.rows, 1), index))
            yield piece, *following


def raw_rows(
    piece: Piece, wanted: Sequence[str] | None, columns: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """Yield the rows of a piece with their numbers; in place of a cell that is not valid UTF-8 is the error.

    Args:
        piece: What to read.
        wanted: The columns of Parquet that are read, None for all.
        columns: Other names that columns have in the file, and the names they stand for.

    Raises:
        DataError: The file is damaged.
    """
    if piece.group is None:
        yield from _jsonl_rows(piece, columns)
        return
    import pyarrow
    import pyarrow.parquet

    number = piece.first_row
    try:
        with pyarrow.parquet.ParquetFile(piece.path, buffer_size=_BUFFER, pre_buffer=False) as file:
            names = [name for name in file.schema_arrow.names if wanted is None or columns.get(name, name) in wanted]
            for batch in file.iter_batches(_BATCH, [piece.group], names, use_threads=False):
                cells = {columns.get(name, name): _values(batch.column(name)) for name in names}
                for index in range(batch.num_rows):
                    yield number, {name: values[index] for name, values in cells.items()}
                    number += 1
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{piece.path} is damaged behind row {number} ({error}); download it again") from error


def _values(column: Any) -> list[Any]:
    """Return a column's values; one that is not valid UTF-8 is replaced by the error."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        return [_value(cell) for cell in column]
    return values


def _value(cell: Any) -> Any:
    try:
        return cell.as_py()
    except UnicodeDecodeError as error:
        return error


def _jsonl_rows(piece: Piece, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    with open(piece.path, "rb") as lines:
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))  # Windows begins files with a mark
            except UnicodeDecodeError:
                yield number, BadRow(Reason.INVALID_UTF8, "the line is not valid UTF-8")
            except (ValueError, RecursionError) as error:
                yield number, BadRow(Reason.INVALID_JSON, f"the line is not JSON: {error}")
            else:
                if isinstance(row, dict):
                    yield number, {columns.get(name, name): value for name, value in row.items()}
                else:
                    yield number, BadRow(Reason.WRONG_TYPE, f"the line is {type(row).__name__}; expected an object")
