"""Records in the layout of a host: ``vincicoder data export``.

Files are named so that their names tell domain and task. With ``--pictures`` the pictures go into a content-addressed
store beside the files, and rows hold paths.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import compress
from pathlib import Path

from data_recipes.options import add_output, guarded, parser_of, positive, run_recipe
from data_recipes.pictures import Pictures
from data_recipes.pipeline import Piece, Row
from data_recipes.shards import Shape, describe_file, rows_of, shards_of
from data_recipes.sources.records import rows_in
from vincicoder.data import DataError
from vincicoder.data.domains import DOMAINS, TASKS, file_stem
from vincicoder.data.layouts import LAYOUTS

ROWS = 512
"""Rows of a file."""

KINDS = tuple((domain, task) for domain in DOMAINS for task in TASKS)

_PLACES = {kind: place for place, kind in enumerate(KINDS)}


class Kinds:
    """The records of folders, a piece for each kind: domain and task.

    Args:
        folders: Of records that recipes have written.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._kinds = {path: _kinds_of(path) for folder in folders for path in shards_of(folder)}
        self.files = [describe_file(path) for path in self._kinds]

    def pieces(self) -> list[Piece]:
        """Return the kinds that there are."""
        counts = [sum(kinds.count(number) for kinds in self._kinds.values()) for number in range(len(KINDS))]
        return [
            Piece(number, rows, KINDS[number], file_stem(*KINDS[number])) for number, rows in enumerate(counts) if rows
        ]

    def read(self, piece: Piece) -> Iterator[Row]:
        """Yield the records of a kind."""
        for path, kinds in self._kinds.items():
            if piece.number in kinds:
                yield from compress(rows_in(path), (kind == piece.number for kind in kinds))


def _kinds_of(path: Path) -> bytes:
    """Return the place in ``KINDS`` of each record of a file."""
    try:
        return bytes(_PLACES[row["domain"], row["task"]] for row in rows_of([path], ["domain", "task"]))
    except KeyError as error:
        raise DataError(f"{path} has a row whose domain or task is unknown; run it through collect first") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("export", __doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="FOLDER", help="folders of records")
    parser.add_argument("--layout", required=True, choices=list(LAYOUTS), help="of the files")
    parser.add_argument("--pictures", action="store_true", help="keep pictures in DIR/pictures, rows hold paths")
    parser.add_argument("--rows", type=positive, default=ROWS, metavar="N", help=f"rows of a file (default: {ROWS})")
    add_output(parser, seed=False)
    options: argparse.Namespace = parser.parse_args(arguments)
    options.recipe += f" {options.layout}"
    pictures = Pictures(options.out.resolve() / "pictures" if options.pictures else None)
    shape = Shape(options.layout, options.rows, options.pictures)
    return run_recipe(options, Kinds(options.records), [pictures], shape=shape)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
