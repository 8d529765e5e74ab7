"""Rows of a source, cleaned, rendered and verified, as records: ``vincicoder data collect``.

Each row is read, its code is checked for length and by a linter and rendered in the sandbox, and the render is compared
with the stored image; a row without an image gets the render. What is left out is counted by reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from data_recipes.engine.cleaning import MAX_TOKENS, Length, Lint
from data_recipes.engine.options import (
    Recipe,
    add_output,
    add_rendering,
    guarded,
    parser_of,
    positive,
    run_recipe,
    share,
)
from data_recipes.engine.rendering import MAX_PIXELS, Verify
from data_recipes.engine.units import Step
from data_recipes.sources import SOURCES, find_source


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("collect", __doc__)
    parser.add_argument("source", metavar="SOURCE", help=f"one of: {', '.join(SOURCES)}")
    parser.add_argument(
        "--from", dest="location", metavar="WHERE", help="local directory or Hugging Face id of the set"
    )
    parser.add_argument(
        "--count", type=positive, default=1000, metavar="N", help="rows that a generated source writes (default: 1000)"
    )
    parser.add_argument(
        "--fidelity",
        type=share,
        default=0.9,
        metavar="X",
        help="least similarity of render and stored image (default: 0.9)",
    )
    parser.add_argument("--redraw", action="store_true", help="replace stored images by renders")
    parser.add_argument(
        "--max-tokens",
        type=positive,
        default=MAX_TOKENS,
        metavar="N",
        help=f"longest code, in tokens (default: {MAX_TOKENS})",
    )
    parser.add_argument(
        "--max-pixels", type=positive, default=MAX_PIXELS, metavar="N", help=f"largest image (default: {MAX_PIXELS})"
    )
    add_output(parser)
    add_rendering(parser)
    options = parser.parse_args(arguments)
    options.recipe += f" {options.source}"
    source = find_source(options.source, options.location, options.count, options.seed)
    return run_recipe(options, source, steps_of(options), reads=options.location)


def steps_of(options: argparse.Namespace) -> list[Step]:
    """Return the steps that the options ask for."""
    verify = Verify(options.fidelity, options.redraw, options.max_pixels, options.workers, options.encoder)
    return [Length(options.max_tokens), Lint(), verify]


RECIPE = Recipe("rows of a source, cleaned, rendered and verified, as records", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
