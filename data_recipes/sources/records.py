"""A folder of records that a recipe has written, or any Parquet or JSONL with their columns or a host's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_recipes.pipeline import Piece, Row
from data_recipes.sources.files import columns_of, file_pieces, rows_of_piece
from vincicoder.data import BadRow, DataError, Record
from vincicoder.data.layouts import LAYOUTS, Layout, layout_of


class Records:
    """Records in files of any layout, which their columns tell.

    Args:
        folder: A folder, or one file.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()

    def pieces(self) -> list[Piece]:
        """Return the files."""
        return file_pieces(self.folder, suffixes=(".parquet", ".jsonl"))

    def read(self, piece: Piece) -> Iterator[Row]:
        """Yield the records of a file."""
        path = piece.where.path
        columns = columns_of(path)
        if not columns:
            raise DataError(f"{path} is empty: no line of it is a JSON object; write it again, or remove it")
        name = layout_of(columns)
        if name is None:
            shapes = "; ".join(
                f"{each}: {', '.join(layout.columns)}" for each, layout in zip(LAYOUTS, LAYOUTS.values(), strict=True)
            )
            raise DataError(f"{path} has the columns {', '.join(columns)}, which are of no layout ({shapes})")
        layout = LAYOUTS.get(name)
        for number, row in rows_of_piece(piece):
            name = f"{Path(path).name}:{number}"
            yield Row(name, row if isinstance(row, BadRow) else _read(layout, row, Path(path).parent))


def rows_in(path: Path) -> Iterator[Row]:
    """Yield the records of one file."""
    source = Records(path)
    for piece in source.pieces():
        yield from source.read(piece)


def _read(layout: Layout, row: Mapping[str, Any], folder: Path) -> Record | BadRow:
    try:
        return layout.read(row, folder)
    except BadRow as fault:
        return fault
