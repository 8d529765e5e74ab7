"""Records that a policy can learn from: ``vincicoder data rl``.

Renderable they are, being verified; here they must also be complex enough, unlike each other, and of five domains in
chosen shares. With ``--pass-rates``, a JSON-lines file with ``id`` and ``scores`` of a policy's samples, those that it
always or never solves are left out as well, since no group of them has anything to tell.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_recipes.options import add_output, guarded, parser_of, run_recipe
from data_recipes.sample import (
    Chosen,
    Index,
    balance,
    drop_equal_code,
    drop_near_pictures,
    parse_shares,
    read_index,
)
from data_recipes.shards import rows_of
from vincicoder.data import DataError, Reason
from vincicoder.data.record import DOMAINS

LEAST_TOKENS = 40
"""Code that is shorter is too simple to learn from."""

NEAR_BITS = 5

PASSED = 0.9
"""Overall reward from which on a sample counts as solved."""

BAND = (0.05, 0.95)
"""Share of solved samples that a prompt is kept with."""


def choose(
    index: Index,
    total: int | None,
    shares: Mapping[str, float] | None,
    least_tokens: int = LEAST_TOKENS,
    band: tuple[float, float] = BAND,
) -> None:
    """Leave out of an index what is not to be learnt from.

    Args:
        index: The records.
        total: Records wanted; None for as many as the shares allow.
        shares: Share of each domain; None for equal shares of those that there are.
        least_tokens: Of the code.
        band: Share of solved samples, where it is known.
    """
    index.leave_out(index.tokens < least_tokens, Reason.SIMPLE)
    outside = (index.pass_rate < band[0]) | (index.pass_rate > band[1])  # False where it is not known
    index.leave_out(outside, Reason.PASS_RATE)
    drop_equal_code(index)
    drop_near_pictures(index, NEAR_BITS)
    if shares is None:
        there = np.unique(index.domain[index.verdict == 0])
        shares = {DOMAINS[place]: 1.0 for place in there}
    balance(index, total, shares)


def read_pass_rates(path: Path, passed: float = PASSED) -> dict[str, float]:
    """Return the share of solved samples by id.

    Args:
        path: JSON lines with ``id`` and ``scores``, a list of overall rewards.
        passed: Reward from which on a sample counts as solved.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"the pass rates {path} cannot be read: {error.strerror}") from error
    return dict(_pass_rate(line, f"{path}, line {number}", passed) for number, line in enumerate(lines, 1))


def _pass_rate(line: str, where: str, passed: float) -> tuple[str, float]:
    try:
        row = json.loads(line)
        scores = row["scores"]
        return str(row["id"]), sum(score >= passed for score in scores) / len(scores)
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise DataError(f"{where}: expected an object with id and scores ({error!r})") from error


def with_pass_rates(index: Index, rates: Mapping[str, float]) -> None:
    """Note pass rates in an index."""
    ids = (row["id"] for row in rows_of(index.paths, ["id"]))
    index.pass_rate = np.array([rates.get(name, np.nan) for name in ids], np.float32)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("rl", __doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="FOLDER", help="folders of records that collect wrote")
    parser.add_argument("--total", type=int, metavar="N", help="records wanted (default: as many as shares allow)")
    parser.add_argument("--shares", metavar="LIST", help="of domains, such as chart=2,web=1 (default: equal)")
    parser.add_argument("--least-tokens", type=int, default=LEAST_TOKENS, metavar="N", help="shortest code")
    parser.add_argument("--pass-rates", type=Path, metavar="FILE", help="scores of a policy's samples, JSON lines")
    parser.add_argument("--passed", type=float, default=PASSED, metavar="X", help="reward of a solved sample")
    add_output(parser)
    options: argparse.Namespace = parser.parse_args(arguments)
    index = read_index(options.records, options.seed)
    if options.pass_rates:
        with_pass_rates(index, read_pass_rates(options.pass_rates, options.passed))
    choose(index, options.total, parse_shares(options.shares), options.least_tokens)
    return run_recipe(options, Chosen(index), [], total=options.total, shares=options.shares)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
