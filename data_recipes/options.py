"""What the command lines of recipes share."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_recipes.pipeline import CHUNK, Piece, Source, Step, Totals, run
from vincicoder.data.files import Piece as FilePiece
from vincicoder.errors import VinciCoderError

FINE, FAULT = 0, 1


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a recipe."""
    return argparse.ArgumentParser(
        prog=f"vincicoder data {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add what says where to write, and how."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the result; goes on in it")
    parser.add_argument("--seed", type=int, default=0, help="another one gives another result (default: 0)")
    parser.add_argument("--ray", metavar="ADDRESS", help="work on a Ray cluster: its address, auto, or local")


def add_drawing(parser: argparse.ArgumentParser) -> None:
    """Add what decides about drawing."""
    parser.add_argument("--workers", type=int, metavar="N", help="renders at a time (default: one per CPU)")
    parser.add_argument("--encoder", default="embedded", metavar="NAME", help="what compares (default: embedded)")


def run_recipe(options: argparse.Namespace, source: Source, steps: Sequence[Step], **settings: Any) -> int:
    """Run a recipe as the options say, print what it came to, and return the exit code."""
    known = settings | {
        "seed": options.seed,
        "chunk": CHUNK,
        "steps": [describe(step) for step in steps],
        "source": describe(source),
        "pieces": [_describe_piece(piece) for piece in source.pieces()],
    }
    totals = run(source, steps, options.out, known, title=options.out.name, ray=options.ray)
    print(json.dumps(summary(totals)))
    return FINE


def describe(thing: object) -> str:
    """Return a step or source as text that says all that decides about its result."""
    if dataclasses.is_dataclass(thing):
        return str(thing)
    hidden = ("studio", "workers", "folder", "location")  # what does not decide; files are known by name and size
    values = {name: value for name, value in vars(thing).items() if name not in hidden and not name.startswith("_")}
    if studio := vars(thing).get("studio"):
        values["encoder"] = studio.encoder
    return f"{type(thing).__name__} {json.dumps(values, sort_keys=True, default=str)}"


def _describe_piece(piece: Piece) -> str:
    where = piece.where
    if not isinstance(where, FilePiece):
        return str(where)
    size = where.stamp.partition("-")[0]
    return f"{Path(where.path).name} of {size} bytes, {'whole' if where.group is None else where.group}"


def summary(totals: Totals) -> dict[str, Any]:
    """Return what a run came to, for JSON."""
    return {"taken": totals.taken, "kept": totals.kept, "dropped": dict(totals.drops.counts.most_common())}


def guarded(work: Any, arguments: Sequence[str] | None = None) -> int:
    """Call a recipe's ``main``; errors of ours become one line, and Ctrl-C says that the run can go on."""
    try:
        code: int = work(arguments)
    except VinciCoderError as error:
        print(f"vincicoder data: error: {error}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("vincicoder data: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return code
