"""``vincicoder fidelity``: measure how a reward ranks damage and hacks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vincicoder.cli.parser import FAULT, FINE, INTERRUPTED, add_command, positive_int
from vincicoder.cli.progress import shown_progress
from vincicoder.cli.reward_flags import add_reward_flags
from vincicoder.errors import ConfigError
from vincicoder.options import from_flat, given_flags
from vincicoder.reporting.printable import printable
from vincicoder.reward.config import RewardConfig
from vincicoder.reward.presets import PRESETS

if TYPE_CHECKING:
    from vincicoder.fidelity.references import Reference
    from vincicoder.fidelity.runner import Fidelity
    from vincicoder.fidelity.search import Attempt

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
        "  vincicoder fidelity records.parquet snippets --limit 50 --components '{\"paper\": 1}' --json\n"
        "  vincicoder fidelity --encoder embedded --compare robust --validity --search 2000 --output scores.jsonl",
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
    add(
        "--compare",
        choices=tuple(PRESETS),
        metavar="PRESET",
        help="a second preset for the same renders (default: none)",
    )
    add("--without-references", action="store_true", help="do not tell the reward the references' code")
    add(
        "--output",
        metavar="FILE",
        help="keep scores as JSON lines as they come; the same command then goes on where it stopped, also with other "
        "weights (default: none)",
    )
    add(
        "--validity",
        action="store_true",
        help="also tell how the ranking agrees with official metrics of benchmarks, which render the answers once more",
    )
    add(
        "--search",
        type=positive_int,
        metavar="N",
        help="also search N programs a target for one that earns more than a mediocre answer (default: none)",
    )
    add("--report", metavar="DIR", help="write plots and a gallery of the ten worst misjudgements (default: none)")
    add("--json", action="store_true", help="print one JSON object")
    add_reward_flags(command, {"keep_renders": "all while they are compared"})


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from vincicoder.fidelity.gallery import write_gallery
    from vincicoder.fidelity.references import read_references
    from vincicoder.fidelity.tell import table

    if options.search and options.without_references:
        raise ConfigError("--search tells the reward the references' code; leave out --without-references or --search")
    config = from_flat(RewardConfig, given_flags(options, RewardConfig))
    languages = [each.strip() for each in (options.languages or "").split(",") if each.strip()]
    references = read_references(options.records, options.split, languages)[: options.limit]
    problems: list[str] = []
    try:
        data, found, attempts = _measured(options, languages, references, problems)
    except KeyboardInterrupt:
        more = "; the same command goes on from here" if options.output else ""
        print(f"vincicoder: stopped{more}", file=sys.stderr)
        return INTERRUPTED
    print(json.dumps(data) if options.json else printable(table(data)))
    if options.report is not None:
        page = write_gallery(options.report, found, references, config.rendering, attempts)
        print(f"report: {page}", file=sys.stderr)
    if options.output is not None:
        print(f"scores: {options.output}", file=sys.stderr)
    return FAULT if problems else FINE


def _measured(
    options: argparse.Namespace, languages: Sequence[str], references: Sequence[Reference], problems: list[str]
) -> tuple[dict[str, Any], Fidelity, Sequence[Attempt]]:
    """Measure what the flags ask for, and return it as JSON has it, and as the gallery needs it."""
    from vincicoder.fidelity.judging import Judges
    from vincicoder.fidelity.runner import measure
    from vincicoder.fidelity.search import search, told
    from vincicoder.fidelity.validity import answers_measured, validity

    given = given_flags(options, RewardConfig)
    encoder = from_flat(RewardConfig, given).encoder.name
    given.pop("encoder", None)
    with _progress(len(references), "reference", problems) as (progress, complain):
        found = measure(
            options.records, encoder, split=options.split, languages=languages, compare=options.compare,
            without_references=options.without_references, output=options.output, limit=options.limit,
            progress=progress, complain=complain, **given,
        )  # fmt: skip
    data, attempts = found.to_dict(), []
    judges = Judges.of(encoder, options.compare, given)
    if options.validity:
        with _progress(answers_measured(found, references), "answer", problems, "validity") as (progress, complain):
            data["validity"] = validity(
                found, references, judges.config.rendering, output=options.output, progress=progress, complain=complain
            ).to_dict()
    if options.search:
        with _progress(len(references), "target", problems, "search") as (progress, complain):
            attempts = search(
                found, references, judges, options.search, output=options.output, progress=progress, complain=complain
            )
        data["search"] = told(attempts)
    return data, found, attempts


@contextmanager
def _progress(
    total: int, unit: str, problems: list[str], label: str = ""
) -> Iterator[tuple[Callable[[bool], object], Callable[[str], object]]]:
    """Show a bar, and yield what to call for progress and for problems, which are noted as well."""
    with shown_progress(total, unit, label) as (progress, complain):

        def told(message: str) -> None:
            problems.append(message)
            complain(message)

        yield progress, told
