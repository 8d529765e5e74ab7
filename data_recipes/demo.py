"""Build an SFT and an RL set, end to end: ``vincicoder data demo``.

Programs write charts, SVG, pages, LaTeX figures and molecules, and the repository's samples are added. Everything is
rendered and verified, and half of it is damaged to make refinements. Then come sampling, export and a report. A run
that was stopped goes on when it is started again.

    DIR/sft       the set for fine-tuning (``vincicoder-sft``)
    DIR/rl        the set for EasyR1 and ``vincicoder-rl``
    DIR/report    a page and a dataset card
    DIR/work      the records that the sets are made of
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from data_recipes import collect, export, refine, report, rl, sample
from data_recipes.engine.options import FINE, Recipe, add_ray, guarded, layout_name, parser_of, positive
from data_recipes.sources.samples import sample_set

SHARES = {"charts": 0.20, "icons": 0.16, "pages": 0.13, "figures": 0.13, "molecules": 0.12}
"""Rows of each generated source, as a share of the rows wanted; refinements and samples make up the rest."""

REFINED = 0.55
"""Share of the records that get a refinement."""

RL_SHARE = 0.3
"""Rows of the RL set, as a share of the rows of the SFT set."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("demo", __doc__)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="directory for the sets; a run that was stopped goes on in it",
    )
    parser.add_argument(
        "--rows",
        type=positive,
        default=2000,
        metavar="N",
        help="about how many SFT rows to generate; the repository's samples are added (default: 2000)",
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other sets (default: 0)")
    parser.add_argument("--workers", type=positive, metavar="N", help="renders at a time (default: one per CPU)")
    parser.add_argument(
        "--encoder", default="embedded", metavar="NAME", help="what compares images (default: embedded)"
    )
    parser.add_argument("--layouts", type=_layouts, default=[], metavar="LIST",
                        help="also write the RL set in these layouts, such as easyr1,verl (default: none)")  # fmt: skip
    add_ray(parser)
    options = parser.parse_args(arguments)
    _make(options)
    return FINE


def _layouts(text: str) -> list[str]:
    return [layout_name(name) for name in text.split(",") if name]


def _make(options: argparse.Namespace) -> None:
    work = options.out / "work"
    ray = ["--ray", options.ray] if options.ray else []
    common = ["--seed", str(options.seed), *ray]
    rendering = ["--encoder", options.encoder]
    if options.workers:
        rendering += ["--workers", str(options.workers)]
    pools = []
    for name, share in SHARES.items():
        pools.append(str(work / name))
        count = str(round(options.rows * share))
        _run(collect, [name, "--count", count, "--out", pools[-1], *common, *rendering])
    if sample_set() is not None:  # a wheel does not bring it along
        pools.append(str(work / "samples"))
        _run(collect, ["samples", "--redraw", "--out", pools[-1], *common, *rendering])
    else:
        print("note: the sample set is not here, as this is no clone; going on without it", file=sys.stderr)
    direct, refined, chosen = (str(work / name) for name in ("direct", "refined", "rl"))
    _run(sample, [*pools, "--out", direct, *common])
    _run(refine, [direct, "--share", str(REFINED), "--out", refined, *common, *rendering])
    total = str(round(options.rows * RL_SHARE))
    _run(rl, [direct, "--total", total, "--out", chosen, *common])
    _run(export, [direct, refined, "--layout", "sft", "--out", str(options.out / "sft"), *ray])
    _run(export, [chosen, "--layout", "rl", "--out", str(options.out / "rl"), *ray])
    for name in options.layouts:
        _run(export, [chosen, "--layout", name, "--out", str(options.out / f"rl-{name}"), *ray])
    sets = [str(options.out / name) for name in ("sft", "rl", *(f"rl-{name}" for name in options.layouts))]
    _run(report, [direct, refined, "--out", str(options.out / "report"), "--sets", *sets, "--from", *pools])
    print(json.dumps({"sft": str(options.out / "sft"), "rl": str(options.out / "rl")}))


def _run(recipe: ModuleType, arguments: Sequence[str]) -> None:
    """Run a recipe; one that comes to nothing, and has said so, ends the demo."""
    if code := recipe.main(arguments):
        raise SystemExit(code)


RECIPE = Recipe("build an SFT and an RL set from generated rows and the sample set, end to end", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
