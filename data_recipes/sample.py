"""Records without duplicates, balanced by domain and difficulty: ``vincicoder data sample``.

A first pass reads only what was measured of every record, a second one writes those that were chosen. Which they are
depends on their ids and the seed, not on order or number of files.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from data_recipes.engine.choosing import add_choice, write_chosen
from data_recipes.engine.index import (
    BANDS,
    NEAR_BITS,
    balance,
    drop_equal_code,
    drop_near_images,
    parse_shares,
    read_index,
)
from data_recipes.engine.options import Recipe, guarded, parser_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("sample", __doc__)
    add_choice(parser, "as they are")
    parser.add_argument("--near-bits", type=int, choices=range(BANDS), default=NEAR_BITS, metavar="N",
                        help="bits of 256 in which fingerprints of equal images may differ (default: 5)")  # fmt: skip
    options: argparse.Namespace = parser.parse_args(arguments)
    index = read_index(options.records, options.seed)
    drop_equal_code(index)
    drop_near_images(index, options.near_bits)
    balance(index, options.total, parse_shares(options.shares))
    return write_chosen(options, index)


RECIPE = Recipe("records without duplicates, balanced by domain and difficulty", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
