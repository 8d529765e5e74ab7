"""``records``: the columns of :mod:`vincicoder.data.record`, for recipes and ``vincicoder-records``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.data.domains import Task
from vincicoder.data.layouts._layout import Layout, image_struct
from vincicoder.data.record import Record


class Records(Layout):
    """The record itself."""

    columns = ("target", "code")
    optional = tuple(name for name in Record.__dataclass_fields__ if name not in ("target", "code"))

    def schema(self, paths: bool = False) -> Any:
        """Return the fields of a record; ``checks`` is JSON text."""
        import pyarrow

        fields = Record.__dataclass_fields__
        return pyarrow.schema({name: image_struct() if name == "target" else pyarrow.string() for name in fields})

    def write(self, record: Record) -> dict[str, Any]:
        """Return the record's fields."""
        return record.to_dict()

    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return the record; what a row lacks is told from what it has."""
        return Record.from_dict(row, directory)


LAYOUT = Records()
