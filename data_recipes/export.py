"""Write records in the layout of a trainer: ``vincicoder data export``.

The name of each file tells its domain and task. With ``--pictures``, images become files in OUT/pictures, named by a
digest of their content, and rows hold their paths: absolute ones for verl and slime, which resolve no others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import compress
from pathlib import Path

from data_recipes.engine.images import PlaceImages
from data_recipes.engine.options import Recipe, add_output, guarded, layout_name, parser_of, positive, run_recipe
from data_recipes.engine.records import rows_in
from data_recipes.engine.shards import ShardFormat, describe_file, rows_of, shards_of
from data_recipes.engine.units import Row, Unit
from vincicoder.data import DataError
from vincicoder.data.domains import DOMAINS, TASKS, file_stem
from vincicoder.data.layouts import LAYOUTS

ROWS = 512
"""Rows of a file."""

KINDS = tuple((domain, task) for domain in DOMAINS for task in TASKS)

_INDEX = {kind: number for number, kind in enumerate(KINDS)}


class Kinds:
    """The records of directories, a unit for each kind: domain and task.

    Args:
        directories: Of records that recipes have written.
    """

    def __init__(self, directories: Sequence[Path]) -> None:
        self._kinds = {path: _kinds_of(path) for directory in directories for path in shards_of(directory)}
        self.files = [describe_file(path) for path in self._kinds]

    def units(self) -> list[Unit]:
        """Return the kinds that there are."""
        counts = [sum(kinds.count(number) for kinds in self._kinds.values()) for number in range(len(KINDS))]
        return [
            Unit(number, rows, KINDS[number], file_stem(*KINDS[number])) for number, rows in enumerate(counts) if rows
        ]

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the records of a kind."""
        for path, kinds in self._kinds.items():
            if unit.number in kinds:
                yield from compress(rows_in(path), (kind == unit.number for kind in kinds))


def _kinds_of(path: Path) -> bytes:
    """Return the index in ``KINDS`` of each record of a file."""
    try:
        return bytes(_INDEX[row["domain"], row["task"]] for row in rows_of([path], ["domain", "task"]))
    except KeyError as error:
        raise DataError(f"{path} has a row whose domain or task is unknown; run it through collect first") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("export", __doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="DIR", help="directories of records")
    parser.add_argument(
        "--layout", required=True, type=layout_name, metavar="NAME", help=f"one of: {', '.join(LAYOUTS)}"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="store images as files in OUT/pictures; rows hold their paths"
    )
    parser.add_argument("--rows", type=positive, default=ROWS, metavar="N", help=f"rows in each file (default: {ROWS})")
    add_output(parser, seed=False)
    options: argparse.Namespace = parser.parse_args(arguments)
    options.recipe += f" {options.layout}"
    layout = LAYOUTS.get(options.layout)
    store = options.out.resolve() / "pictures" if options.pictures else None
    format = ShardFormat(options.layout, options.rows, options.pictures)
    steps = [PlaceImages(store, absolute=layout.absolute_paths)]
    settings = {"store": str(store)} if store and layout.absolute_paths else {}
    return run_recipe(options, Kinds(options.records), steps, format=format, **settings)


RECIPE = Recipe("write records in the layout of a trainer", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
