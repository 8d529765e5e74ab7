"""What the recipes that choose among records share: their options, and the records that were chosen."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

from data_recipes.engine.index import REASONS, Index
from data_recipes.engine.options import add_output, positive, run_recipe
from data_recipes.engine.records import rows_in
from data_recipes.engine.shards import describe_file
from data_recipes.engine.units import Row, Unit
from vincicoder.data import BadRow


class Chosen:
    """The records of an index, those that were not chosen as faults.

    Args:
        index: Says which are chosen.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self.verdict = hashlib.blake2b(index.verdict.tobytes(), digest_size=8).hexdigest()

    def units(self) -> list[Unit]:
        """Return the files."""
        starts = [*self._index.starts, len(self._index.domain)]
        return [
            Unit(number, starts[number + 1] - starts[number], describe_file(path))
            for number, path in enumerate(self._index.paths)
        ]

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the records of a file."""
        verdicts = self._index.verdict[self._index.starts[unit.number] :]
        for verdict, row in zip(verdicts, rows_in(self._index.paths[unit.number]), strict=False):
            reason = REASONS[verdict]
            if reason is None:
                yield row
            else:
                yield row._replace(found=BadRow(reason, f"{reason.value} by the rules of sampling"))


def add_choice(parser: argparse.ArgumentParser, shares: str) -> None:
    """Add the options of the records to choose from and the number wanted; ``shares`` names the default shares."""
    parser.add_argument(
        "records", type=Path, nargs="+", metavar="DIR", help="directories of records that collect wrote"
    )
    parser.add_argument("--total", type=positive, metavar="N", help="records wanted (default: as many as shares allow)")
    parser.add_argument(
        "--shares", metavar="LIST", help=f"shares of domains, such as chart=2,web=1 (default: {shares})"
    )
    parser.add_argument(
        "--not-like",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="leave out what is nearly the image or the code of a sample in these, such as benchmarks (default: none)",
    )
    add_output(parser)


def write_chosen(options: argparse.Namespace, index: Index) -> int:
    """Write the records that an index still has, and return the exit code."""
    return run_recipe(options, Chosen(index), [], total=options.total, shares=options.shares)
