"""``vincicoder fidelity``: measure how a reward ranks damage and hacks."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from vincicoder.cli.parser import FAULT, FINE, INTERRUPTED, add_command, positive_int
from vincicoder.cli.progress import shown_progress
from vincicoder.cli.reward_flags import add_reward_flags
from vincicoder.options import from_flat, given_flags
from vincicoder.reporting.printable import printable
from vincicoder.reward.config import RewardConfig
from vincicoder.reward.presets import PRESETS

_SPLITS = ("training", "held-out", "all")


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "fidelity",
        "measure how well the reward ranks damage and hacks",
        "Damage the code of references by program, from slight to gross, and make hacks that only look like the\n"
        "target. Score all of it, and tell how often the reward is right, by language and with intervals. A record\n"
        "has 'target' and 'code'; a file of requests with 'reference' works too. Weights are chosen on the split\n"
        "training and reported on held-out. Exit code 1: something could not be used or scored; 2: a wrong option\n"
        "or file.",
        "  vincicoder fidelity --encoder embedded --languages svg\n"
        "  vincicoder fidelity records.jsonl --split held-out --output scores.jsonl --report gallery/\n"
        "  vincicoder fidelity records.parquet snippets --limit 50 --components '{\"paper\": 1}' --json",
    )
    command.add_argument(
        "records",
        nargs="*",
        default=["snippets"],
        metavar="RECORDS",
        help=".jsonl or .parquet, or the word snippets for the package's own (default: snippets)",
    )
    add = command.add_argument
    add("--split", choices=_SPLITS, default="all", help="half of the references by their names (default: all)")
    add("--languages", metavar="LIST", help="names or aliases with commas between them (default: all)")
    add("--limit", type=positive_int, metavar="N", help="only the first N references (default: all)")
    add("--compare", choices=tuple(PRESETS), metavar="PRESET", help="a second preset for the same renders")
    add(
        "--output",
        metavar="FILE",
        help="keep scores as JSON lines as they come; the same command then goes on where it stopped, also with other "
        "weights (default: none)",
    )
    add("--report", metavar="DIR", help="write a gallery of the ten worst misjudgements (default: none)")
    add("--json", action="store_true", help="print one JSON object")
    add_reward_flags(command, {"keep_renders": "all while they are compared"})


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from vincicoder.fidelity.references import read_references
    from vincicoder.fidelity.runner import measure
    from vincicoder.fidelity.tell import table, write_gallery

    given = given_flags(options, RewardConfig)
    config = from_flat(RewardConfig, given)
    languages = [each.strip() for each in (options.languages or "").split(",") if each.strip()]
    references = read_references(options.records, options.split, languages)[: options.limit]
    problems: list[str] = []
    given.pop("encoder", None)
    try:
        with shown_progress(len(references), "reference") as (progress, complain):

            def told(message: str) -> None:
                problems.append(message)
                complain(message)

            found = measure(
                options.records, config.encoder.name, split=options.split, languages=languages,
                compare=options.compare, output=options.output, limit=options.limit, progress=progress,
                complain=told, **given,
            )  # fmt: skip
    except KeyboardInterrupt:
        more = "; the same command goes on from here" if options.output else ""
        print(f"vincicoder: stopped{more}", file=sys.stderr)
        return INTERRUPTED
    data = found.to_dict()
    print(json.dumps(data) if options.json else printable(table(data)))
    if options.report is not None:
        print(f"report: {write_gallery(options.report, found, references, config.rendering)}", file=sys.stderr)
    if options.output is not None:
        print(f"scores: {options.output}", file=sys.stderr)
    return FAULT if problems else FINE
