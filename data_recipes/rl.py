"""Choose records that a policy can learn from: ``vincicoder data rl``.

The chosen records are complex enough and unlike each other, and domains have the shares that you choose. With
``--rewards``, records are left out whose samples by a policy earn nearly the same, since a group of equal rewards
teaches nothing, and those with hardly anything left to gain. With ``--pass-rates``, records are left out that the
policy nearly always or nearly never solves. Either file is what ``vincicoder score`` writes, with any number of results
for an id, or JSON lines with an ``id`` and a list of ``scores``.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
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
from data_recipes.engine.unlike import drop_like
from vincicoder.data import DataError, Reason
from vincicoder.data.domains import DOMAINS
from vincicoder.reporting import is_judged

LEAST_TOKENS = 40
"""Code that is shorter is too simple to learn from."""

BAND = (0.05, 0.95)
"""Share of solved samples that a prompt is kept with."""

SPREAD = 0.01
"""Standard deviation of a prompt's rewards: twice what the paper's reward changes by when an image moves by a pixel."""

HEADROOM = 0.02
"""What the mean of a prompt's rewards lacks to 1 at least."""

PASSED = 1 - HEADROOM
"""Overall reward from which on a sample is solved: with the preset ``paper`` a mediocre answer earns nearly 0.9."""


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


def read_rewards(path: Path) -> dict[str, list[float]]:
    """Return the rewards of a policy's samples by id.

    Args:
        path: JSON lines with ``id`` and either ``overall``, a sample's reward, or ``scores``, a list of them. Samples
            whose ``status`` says that they could not be judged do not count.

    Raises:
        DataError: The file cannot be read.
    """
    rewards: defaultdict[str, list[float]] = defaultdict(list)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    name, scores = _scores(line, f"{path}, line {number}")
                    rewards[name] += scores
    except OSError as error:
        raise DataError(f"the rewards {path} cannot be read: {error.strerror}") from error
    return {name: scores for name, scores in rewards.items() if scores}


def _scores(line: bytes, where: str) -> tuple[str, list[float]]:
    try:
        row: dict[str, Any] = json.loads(line)
        is_result = "overall" in row  # its "scores" are then those of its components
        scores = row["scores"] if not is_result else [row["overall"]] if is_judged(row.get("status", "ok")) else []
        return str(row["id"]), [float(score) for score in scores]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{where}: expected an object with id and scores, or id and overall ({error!r})") from error


def drop_solved_and_hopeless(index: Index, rewards: Mapping[str, Sequence[float]], passed: float = PASSED) -> None:
    """Leave out records whose pass rate is outside ``BAND``; one that has no rewards stays.

    Args:
        index: The records.
        rewards: Rewards by id.
        passed: Reward from which on a sample counts as solved.

    Raises:
        DataError: Not a single reward is of these records.
    """
    found = _of_records(index, rewards)
    rates = np.array([np.mean(np.array(own) >= passed) if own else np.nan for own in found])
    index.leave_out(np.flatnonzero((rates < BAND[0]) | (rates > BAND[1])), Reason.PASS_RATE)


def drop_without_lesson(
    index: Index, rewards: Mapping[str, Sequence[float]], least_spread: float, least_headroom: float
) -> None:
    """Leave out records whose rewards are alike or leave nothing to gain; one that has no rewards stays.

    Args:
        index: The records.
        rewards: Rewards by id; those of a single sample say nothing of the spread.
        least_spread: Standard deviation of a record's rewards.
        least_headroom: What their mean must lack to 1.

    Raises:
        DataError: Not a single reward is of these records.
    """
    found = _of_records(index, rewards)
    spreads = np.array([np.std(own) if len(own) > 1 else np.nan for own in found])
    headroom = np.array([1 - np.mean(own) if own else np.nan for own in found])
    index.leave_out(np.flatnonzero(spreads < least_spread), Reason.ALIKE)
    index.leave_out(np.flatnonzero(headroom < least_headroom), Reason.HEADROOM)


def _of_records(index: Index, rewards: Mapping[str, Sequence[float]]) -> list[Sequence[float]]:
    """Return the rewards of each record, none where they are not known."""
    found = [rewards.get(row["id"], ()) for row in rows_of(index.paths, ["id"])]
    if not any(found):
        raise DataError(f"none of the {len(rewards)} ids in the rewards is the id of one of these records")
    return found


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
        "--pass-rates",
        type=Path,
        metavar="FILE",
        help="results of vincicoder score, or lists of scores by id (default: none)",
    )
    parser.add_argument(
        "--passed", type=share, default=PASSED, metavar="X", help=f"least reward of a solved sample (default: {PASSED})"
    )
    parser.add_argument(
        "--rewards", type=Path, metavar="FILE", help="a file of the same kind, to choose by spread (default: none)"
    )
    parser.add_argument(
        "--least-spread",
        type=share,
        default=SPREAD,
        metavar="X",
        help=f"least standard deviation of a record's rewards (default: {SPREAD})",
    )
    parser.add_argument(
        "--least-headroom",
        type=share,
        default=HEADROOM,
        metavar="X",
        help=f"what the mean of a record's rewards must lack to 1 (default: {HEADROOM})",
    )
    options: argparse.Namespace = parser.parse_args(arguments)
    index = read_index(options.records, options.seed)
    drop_like(index, options.not_like)
    if options.pass_rates:
        drop_solved_and_hopeless(index, read_rewards(options.pass_rates), options.passed)
    if options.rewards:
        drop_without_lesson(index, read_rewards(options.rewards), options.least_spread, options.least_headroom)
    choose(index, options.total, parse_shares(options.shares), options.least_tokens)
    return write_chosen(options, index)


RECIPE = Recipe("choose records that a policy can learn from", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
