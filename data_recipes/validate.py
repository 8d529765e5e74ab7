"""Check that the reference code of a set earns its reward: ``vincicoder data validate``.

Every row's reference is scored as if a model had answered with it. The exit code is 1 if too few rows reach the least
reward.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from data_recipes.engine.drops import Drops
from data_recipes.engine.options import FAULT, FINE, Recipe, guarded, parser_of, positive, share
from data_recipes.engine.records import Records
from data_recipes.engine.units import readable
from vincicoder.data import DataError, Record
from vincicoder.data.answers import fenced

LEAST = 0.95
SHARE = 0.99


def validate(records: Iterable[Record], least: float = LEAST, **options: Any) -> dict[str, Any]:
    """Score gold code against its targets.

    Args:
        records: Of a set.
        least: Overall reward that counts as earned.
        options: Of ``VisualReward``.

    Returns:
        ``rows``, ``earned``, ``share``, ``mean``, ``statuses``, and the ``worst`` rows: overall, id, status, message.

    Example:
        >>> validate(records, encoder="embedded")["share"]
        1.0
    """
    from tqdm import tqdm

    from vincicoder.reward import RewardRequest, VisualReward

    requests = (
        RewardRequest(fenced(record.code, record.language), record.target, record.prompt, record.language, record.id)
        for record in records
    )
    statuses: Counter[str] = Counter()
    rows, earned, total = 0, 0, 0.0
    worst: list[tuple[float, str, str, str]] = []
    with VisualReward(**options, keep_renders=False) as reward:
        for _, result in tqdm(reward.stream(requests), unit="row", file=sys.stderr, mininterval=5):
            rows += 1
            total += result.overall
            earned += result.overall >= least
            statuses[result.status.value] += 1
            if result.overall < least:
                worst.append((round(result.overall, 4), result.id or "", result.status.value, result.message[:200]))
                worst = sorted(worst)[:10]
    shares = {"share": earned / rows if rows else 0.0, "mean": total / rows if rows else 0.0}
    return {"rows": rows, "earned": earned, **shares, "statuses": dict(statuses), "worst": worst}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("validate", __doc__)
    parser.add_argument("data", type=Path, metavar="DIR", help="a set in any layout")
    parser.add_argument(
        "--least", type=share, default=LEAST, metavar="X", help=f"least overall reward of a row (default: {LEAST})"
    )
    parser.add_argument(
        "--share",
        type=share,
        default=SHARE,
        metavar="X",
        help=f"share of rows that must reach that reward (default: {SHARE})",
    )
    parser.add_argument(
        "--encoder", default="embedded", metavar="NAME", help="what compares images (default: embedded)"
    )
    parser.add_argument("--workers", type=positive, metavar="N", help="renders at a time (default: one per CPU)")
    options: argparse.Namespace = parser.parse_args(arguments)
    source, drops = Records(options.data), Drops()
    rows = chain.from_iterable(map(source.read, source.units()))
    found = validate(readable(rows, drops), options.least, encoder=options.encoder, workers=options.workers)
    print(json.dumps(found | {"unreadable": drops.to_dict()["counts"]}))
    if not found["rows"]:
        raise DataError(f"no row of {options.data} can be read: {dict(drops.counts)}")
    return FINE if found["share"] >= options.share and not drops.counts else FAULT


RECIPE = Recipe("check that the reference code of a set earns its reward", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
