"""Records of any layout: a directory that a recipe has written, or Parquet and JSONL of your own."""

from __future__ import annotations

from data_recipes.engine.records import Records
from vincicoder.data import DataError


class RecordsSet:
    """The files of a directory."""

    def open(self, location: str | None, count: int, seed: int) -> Records:
        """Return the source of a directory's records.

        Raises:
            DataError: No directory is given.
        """
        if location is None:
            raise DataError("the source records needs a directory; give it with --from DIRECTORY")
        return Records(location)


SOURCE = RecordsSet()
