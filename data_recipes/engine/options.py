"""What the command lines of recipes share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from data_recipes.engine.drops import Drops
from data_recipes.engine.pipeline import Totals, run
from data_recipes.engine.shards import RECORDS, ShardFormat
from data_recipes.engine.units import Source, Step, Unit
from vincicoder.data import DataError
from vincicoder.data.files import FilePart
from vincicoder.data.layouts import LAYOUTS
from vincicoder.errors import VinciCoderError

FINE, FAULT, STOPPED = 0, 1, 130

_EXAMPLES, _WIDTH = 10, 160
"""Examples of left out rows that a run prints at most, and characters of each."""

_UNTOLD = ("renderers", "workers", "directory", "location", "count")
"""Attributes that do not decide about a result: what works, where files lie, which are known by name and size, and how
many rows there are, which the units tell."""


class Recipe(NamedTuple):
    """A runnable data-building step: what a command's file offers as ``RECIPE``.

    Attributes:
        summary: What ``vincicoder data --help`` says of it.
        main: Runs it with the arguments of its command line and returns the exit code.
    """

    summary: str
    main: Callable[[Sequence[str] | None], int]


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a recipe; its options hold the name as ``recipe``."""
    parser = argparse.ArgumentParser(
        prog=f"vincicoder data {name}",
        description=description and description.replace("``", "`"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(recipe=name)
    return parser


def add_output(parser: argparse.ArgumentParser, seed: bool = True) -> None:
    """Add the options of the output: where it goes, the seed, and the cluster that makes it."""
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="directory for the result; a run that was stopped goes on in it",
    )
    if seed:
        parser.add_argument("--seed", type=int, default=0, help="another seed gives another result (default: 0)")
    add_ray(parser)


def add_ray(parser: argparse.ArgumentParser) -> None:
    """Add the option of the cluster that makes the result."""
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="work on the Ray cluster at this address; auto finds one, local starts one (default: this machine alone)",
    )


def add_rendering(parser: argparse.ArgumentParser) -> None:
    """Add the options of rendering and comparing."""
    parser.add_argument("--workers", type=positive, metavar="N", help="renders at a time (default: one per CPU)")
    parser.add_argument(
        "--encoder", default="embedded", metavar="NAME", help="what compares images (default: embedded)"
    )


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def layout_name(text: str) -> str:
    """Read the name of a layout."""
    if text not in LAYOUTS:
        raise argparse.ArgumentTypeError(LAYOUTS.unknown(text))
    return text


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def run_recipe(
    options: argparse.Namespace,
    source: Source,
    steps: Sequence[Step],
    format: ShardFormat = RECORDS,
    reads: str | None = None,
    **settings: Any,
) -> int:
    """Run a recipe as the options say, print what it came to, and return the exit code: a fault if no row is left.

    Args:
        options: Of its command line, with ``recipe``, its name.
        source: Where the records come from.
        steps: What is done to them.
        format: What the shards look like.
        reads: The directory that is read with all that is in it, if any.
        settings: What else decides about the result.

    Raises:
        DataError: The output would be among what is read, or see :func:`data_recipes.engine.pipeline.run`.
    """
    if reads and Path(reads).is_dir() and options.out.resolve().is_relative_to(Path(reads).resolve()):
        raise DataError(f"--out {options.out} lies in {reads}, all of which is read; choose a directory outside of it")
    known = settings | {
        "seed": vars(options).get("seed"),
        "format": format._asdict(),
        "steps": [describe(step) for step in steps],
        "source": describe(source),
        "units": [_describe_unit(unit) for unit in source.units()],
    }
    totals = run(source, steps, options.out, known, format=format, title=options.out.name, ray=options.ray)
    print(json.dumps({"recipe": options.recipe} | summary(totals)))
    for line in _examples(totals.drops):
        print(line, file=sys.stderr)
    if totals.kept or not totals.taken:
        return FINE
    [(label, count)] = totals.drops.counts.most_common(1)
    print(f"vincicoder data: no row came through; most often: {label} ({count:,} rows)", file=sys.stderr)
    return FAULT


def _examples(drops: Drops) -> list[str]:
    """Return a line for each of some rows that were left out, those of the most frequent reasons first."""
    lines = (f"left out, {label}: {each}" for label, _ in drops.counts.most_common() for each in drops.examples[label])
    return [" ".join(line.split())[:_WIDTH] for line in islice(lines, _EXAMPLES)]


def describe(thing: object) -> str:
    """Return a step or source as text: everything that its result depends on, the same in every process."""
    values = {name: value for name, value in vars(thing).items() if name not in _UNTOLD and not name.startswith("_")}
    if renderers := vars(thing).get("renderers"):
        values["encoder"] = renderers.encoder
    return f"{type(thing).__name__} {json.dumps(values, sort_keys=True, default=_plain)}"


def _plain(value: Any) -> Any:
    """Return a function as its name, and an object as its attributes; their ``repr`` may hold an address."""
    return f"{value.__module__}.{value.__qualname__}" if callable(value) else vars(value)


def _describe_unit(unit: Unit) -> str:
    where = unit.where
    if not isinstance(where, FilePart):
        return str(where)
    size = where.stamp.partition("-")[0]
    return f"{Path(where.path).name} of {size} bytes, {'whole' if where.group is None else where.group}"


def summary(totals: Totals) -> dict[str, Any]:
    """Return what a run came to, for JSON."""
    return {"taken": totals.taken, "kept": totals.kept, "dropped": dict(totals.drops.counts.most_common())}


def guarded(work: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None = None) -> int:
    """Call a recipe's ``main``; errors of ours become one line, and Ctrl-C says that the run can go on."""
    try:
        return work(arguments)
    except VinciCoderError as error:
        print(f"vincicoder data: error: {error}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("vincicoder data: stopped; the same command goes on from here", file=sys.stderr)
        return STOPPED
