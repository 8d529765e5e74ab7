"""Rows of Parquet and JSONL files, read so that a bad cell costs its row and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vincicoder.data.errors import BadRow, DataError, Reason
from vincicoder.data.files import FilePart

_BUFFER = 1 << 20
"""Bytes read ahead. By default whole row groups are, and some files have only one."""

_BATCH = 32
"""Rows of Parquet that are in memory at a time."""


def raw_rows(
    part: FilePart, wanted: Sequence[str] | None, columns: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """Yield the rows of a part with their numbers; in place of a cell that is not valid UTF-8 is the error.

    Args:
        part: What to read.
        wanted: The columns that are read; None for all.
        columns: Other names that columns have in the file, and the names they stand for.

    Raises:
        DataError: The file is damaged.
    """
    if part.group is None:
        yield from _jsonl_rows(part, wanted, columns)
        return
    import pyarrow
    import pyarrow.parquet

    number = part.first_row
    try:
        with pyarrow.parquet.ParquetFile(part.path, buffer_size=_BUFFER, pre_buffer=False) as file:
            names = [name for name in file.schema_arrow.names if wanted is None or columns.get(name, name) in wanted]
            for batch in file.iter_batches(_BATCH, [part.group], names, use_threads=False):
                cells = {columns.get(name, name): _values(batch.column(name)) for name in names}
                for index in range(batch.num_rows):
                    yield number, {name: values[index] for name, values in cells.items()}
                    number += 1
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{part.path} is damaged behind row {number} ({error}); download it again") from error


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


def _jsonl_rows(
    part: FilePart, wanted: Sequence[str] | None, columns: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    with open(part.path, "rb") as lines:
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
                    named = ((columns.get(name, name), value) for name, value in row.items())
                    yield number, {name: value for name, value in named if wanted is None or name in wanted}
                else:
                    yield number, BadRow(Reason.WRONG_TYPE, f"the line is {type(row).__name__}; expected an object")
