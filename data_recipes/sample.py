"""Choose records without duplicates, balanced by domain and difficulty: ``vincicoder data sample``.

The first pass reads only the measurements of every record; the second writes the records that were chosen. The choice
depends on ids and the seed, not on the order or number of files.
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
from data_recipes.engine.unlike import drop_like


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("sample", __doc__)
    add_choice(parser, "as they are")
    parser.add_argument(
        "--near-bits",
        type=int,
        choices=range(BANDS),
        default=NEAR_BITS,
        metavar="N",
        help="images are duplicates if at most N of the 256 bits of their fingerprints differ (default: 5)",
    )
    options: argparse.Namespace = parser.parse_args(arguments)
    index = read_index(options.records, options.seed)
    drop_like(index, options.not_like)
    drop_equal_code(index)
    drop_near_images(index, options.near_bits)
    balance(index, options.total, parse_shares(options.shares))
    return write_chosen(options, index)


RECIPE = Recipe("choose records without duplicates, balanced by domain and difficulty", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
