"""Records in files: those that recipes have written, and any Parquet or JSONL with their columns or a trainer's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_recipes.engine.files import columns_of, file_units, rows_of_unit
from data_recipes.engine.units import Row, Unit
from vincicoder.data import BadRow, DataError, Record
from vincicoder.data.layouts import LAYOUTS, Layout, layout_of


class Records:
    """Records in files of any layout, which their columns tell.

    Args:
        directory: A directory, or one file.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory).resolve()

    def units(self) -> list[Unit]:
        """Return the files."""
        return file_units(self.directory, suffixes=(".parquet", ".jsonl"))

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the records of a file."""
        path = unit.where.path
        columns = columns_of(path)
        if not columns:
            raise DataError(f"{path} is empty: no line of it is a JSON object; write it again, or remove it")
        name = layout_of(columns)
        if name is None:
            known = "; ".join(f"{each}: {', '.join(LAYOUTS.get(each).columns)}" for each in LAYOUTS)
            raise DataError(f"{path} has the columns {', '.join(columns)}, which match no layout ({known})")
        layout = LAYOUTS.get(name)
        for number, row in rows_of_unit(unit):
            name = f"{Path(path).name}:{number}"
            yield Row(name, row if isinstance(row, BadRow) else _read(layout, row, Path(path).parent))


def rows_in(path: Path) -> Iterator[Row]:
    """Yield the records of one file."""
    source = Records(path)
    for unit in source.units():
        yield from source.read(unit)


def _read(layout: Layout, row: Mapping[str, Any], directory: Path) -> Record | BadRow:
    try:
        return layout.read(row, directory)
    except BadRow as fault:
        return fault
