"""Clean, render and verify the rows of a source: ``vincicoder data collect``.

The code of each row is checked for its length and by a linter, and rendered in the sandbox. The render is compared with
the stored image; a row without an image gets the render. Rows that are left out are counted by reason.
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
        "--from",
        dest="location",
        metavar="WHERE",
        help="local directory or Hugging Face id of the set (default: its own id)",
    )
    parser.add_argument(
        "--count",
        type=positive,
        default=1000,
        metavar="N",
        help="rows to generate, for a source that is a program (default: 1000)",
    )
    parser.add_argument(
        "--fidelity",
        type=share,
        default=0.9,
        metavar="X",
        help="least similarity of render and stored image (default: 0.9)",
    )
    parser.add_argument("--redraw", action="store_true", help="store the render instead of the source's image")
    parser.add_argument(
        "--max-tokens",
        type=positive,
        default=MAX_TOKENS,
        metavar="N",
        help=f"longest code, in tokens (default: {MAX_TOKENS})",
    )
    parser.add_argument(
        "--max-pixels",
        type=positive,
        default=MAX_PIXELS,
        metavar="N",
        help=f"largest image, in pixels (default: {MAX_PIXELS})",
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


RECIPE = Recipe("clean, render and verify the rows of a source", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
