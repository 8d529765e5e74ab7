"""Rows of a source, cleaned, drawn and verified, as records: ``vincicoder data collect``.

Each row is read, its code is checked for length and by a linter, drawn in the sandbox, and the picture is compared with
the stored one; a row without a picture gets the one that its code draws. What is left out is counted by reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from data_recipes.cleaning import MAX_TOKENS, Length, Lint
from data_recipes.drawing import MAX_PIXELS, Draw
from data_recipes.options import add_drawing, add_output, guarded, parser_of, positive, run_recipe, share
from data_recipes.pipeline import Step
from data_recipes.sources import find_source


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("collect", __doc__)
    parser.add_argument("source", metavar="SOURCE", help="samples, charts, icons, pages, figures, molecules, records "
                        "or a public set; see docs/data.md")  # fmt: skip
    parser.add_argument("--from", dest="location", metavar="WHERE", help="local folder or Hugging Face id of the set")
    parser.add_argument("--count", type=positive, default=1000, metavar="N", help="rows of a generated source")
    parser.add_argument("--fidelity", type=share, default=0.9, metavar="X", help="least likeness to the stored picture")
    parser.add_argument("--redraw", action="store_true", help="put the render in the place of the stored picture")
    parser.add_argument("--max-tokens", type=positive, default=MAX_TOKENS, metavar="N", help="longest code")
    parser.add_argument("--max-pixels", type=positive, default=MAX_PIXELS, metavar="N", help="largest picture")
    add_output(parser)
    add_drawing(parser)
    options = parser.parse_args(arguments)
    options.recipe += f" {options.source}"
    source = find_source(options.source, options.location, options.count, options.seed)
    return run_recipe(options, source, steps_of(options), reads=options.location)


def steps_of(options: argparse.Namespace) -> list[Step]:
    """Return the steps that the options ask for."""
    draw = Draw(options.fidelity, options.redraw, options.max_pixels, options.workers, options.encoder)
    return [Length(options.max_tokens), Lint(), draw]


if __name__ == "__main__":
    raise SystemExit(guarded(main))
