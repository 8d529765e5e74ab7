"""Choose records that a policy can learn from: ``vincicoder data rl``.

The chosen records are complex enough and unlike each other, and domains have the shares that you choose. With
``--pass-rates``, records that a policy nearly always or nearly never solves are left out, since a group of equal
rewards teaches nothing. The file is what ``vincicoder score`` writes, with any number of results for an id, or JSON
lines with an ``id`` and a list of ``scores``.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_recipes.engine.choosing import add_choice, write_chosen
from data_recipes.engine.index import (
    Index,
    balance,
    drop_equal_code,
    drop_near_images,
    parse_shares,
    read_index,
)
from data_recipes.engine.options import Recipe, guarded, parser_of, positive, share
from data_recipes.engine.shards import rows_of
from vincicoder.data import DataError, Reason
from vincicoder.data.domains import DOMAINS
from vincicoder.reporting import is_judged

LEAST_TOKENS = 40
"""Code that is shorter is too simple to learn from."""

PASSED = 0.9
"""Overall reward from which on a sample counts as solved."""

BAND = (0.05, 0.95)
"""Share of solved samples that a prompt is kept with."""


def choose(
    index: Index,
    total: int | None,
    shares: Mapping[str, float] | None,
    least_tokens: int = LEAST_TOKENS,
) -> None:
    """Leave out of an index what nothing can be learned from.

    Args:
        index: The records.
        total: Records wanted; None for as many as the shares allow.
        shares: Share of each domain; None for equal shares of those that there are.
        least_tokens: Of the code.
    """
    left = index.left
    index.leave_out(left[index.tokens[left] < least_tokens], Reason.SIMPLE)
    drop_equal_code(index)
    drop_near_images(index)
    if shares is None:
        shares = {DOMAINS[number]: 1.0 for number in np.unique(index.domain[index.left])}
    balance(index, total, shares)


def read_pass_rates(path: Path, passed: float = PASSED) -> dict[str, float]:
    """Return the share of solved samples by id.

    Args:
        path: JSON lines with ``id`` and either ``overall``, a sample's reward, or ``scores``, a list of them. Samples
            whose ``status`` says that they could not be judged do not count.
        passed: Reward from which on a sample counts as solved.

    Raises:
        DataError: The file cannot be read.
    """
    solved: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    name, scores = _scores(line, f"{path}, line {number}")
                    solved[name] += sum(score >= passed for score in scores)
                    asked[name] += len(scores)
    except OSError as error:
        raise DataError(f"the pass rates {path} cannot be read: {error.strerror}") from error
    return {name: solved[name] / count for name, count in asked.items() if count}


def _scores(line: bytes, where: str) -> tuple[str, list[float]]:
    try:
        row: dict[str, Any] = json.loads(line)
        is_result = "overall" in row  # its "scores" are then those of its components
        scores = row["scores"] if not is_result else [row["overall"]] if is_judged(row.get("status", "ok")) else []
        return str(row["id"]), [float(score) for score in scores]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{where}: expected an object with id and scores, or id and overall ({error!r})") from error


def drop_solved_and_hopeless(index: Index, rates: Mapping[str, float]) -> None:
    """Leave out records whose pass rate is outside ``BAND``; one whose rate is not known stays.

    Raises:
        DataError: Not a single rate is of these records.
    """
    ids = (row["id"] for row in rows_of(index.paths, ["id"]))
    found = np.array([rates.get(name, np.nan) for name in ids])
    if np.isnan(found).all():
        raise DataError(f"none of the {len(rates)} ids in the pass rates is the id of one of these records")
    index.leave_out(np.flatnonzero((found < BAND[0]) | (found > BAND[1])), Reason.PASS_RATE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("rl", __doc__)
    add_choice(parser, "equal")
    parser.add_argument(
        "--least-tokens",
        type=positive,
        default=LEAST_TOKENS,
        metavar="N",
        help=f"shortest code, in tokens (default: {LEAST_TOKENS})",
    )
    parser.add_argument(
        "--pass-rates", type=Path, metavar="FILE", help="results of vincicoder score, or lists of scores by id"
    )
    parser.add_argument(
        "--passed", type=share, default=PASSED, metavar="X", help=f"least reward of a solved sample (default: {PASSED})"
    )
    options: argparse.Namespace = parser.parse_args(arguments)
    index = read_index(options.records, options.seed)
    if options.pass_rates:
        drop_solved_and_hopeless(index, read_pass_rates(options.pass_rates, options.passed))
    choose(index, options.total, parse_shares(options.shares), options.least_tokens)
    return write_chosen(options, index)


RECIPE = Recipe("choose records that a policy can learn from", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
