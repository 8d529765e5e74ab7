"""``vincicoder check``: find the mistakes of a training job before it takes its GPUs."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vincicoder.cli.parser import FAULT, FINE, add_command, column_names, positive_int
from vincicoder.errors import VinciCoderError
from vincicoder.languages import LANGUAGES

if TYPE_CHECKING:
    from vincicoder.cli.examination import Check
    from vincicoder.cli.job_data import Sample
    from vincicoder.reward.config import RewardConfig

_TRAINERS = ("easyr1", "verl", "swift", "trl")


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "check",
        "find the mistakes of a training job before it starts",
        "Find the mistakes of a training job before it takes its GPUs: options, columns, targets and languages of\n"
        "some rows, GPUs, CPUs, memory, fonts, the sandbox, the renderers of the data's languages, the encoder, and\n"
        "what the references of some rows score. Nothing is downloaded. What takes no time is tried first, and the\n"
        "rest only if all of that is fine. Exit code 1: something is wrong, and how to fix it is said; 2: a wrong\n"
        "option of this command.",
        "  vincicoder check --trainer easyr1 --data rl.parquet --nodes 2 --gpus 8\n"
        "  vincicoder check --trainer verl --data train.parquet --option components.text=0.2\n"
        "  vincicoder check --trainer trl --data rows.jsonl --columns prompt=question --option encoder=embedded",
    )
    command.add_argument("--trainer", required=True, choices=_TRAINERS, help="whose job it is")
    command.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the job's reward; may be repeated (default: none)",
    )
    command.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="PATH",
        help="file or directory to train on; may be repeated (default: none)",
    )
    command.add_argument(
        "--columns",
        type=column_names,
        metavar="OURS=THEIRS",
        help="columns of other names, with commas between, such as prompt=question,image=picture (default: none)",
    )
    command.add_argument("--rows", type=positive_int, default=64, help="rows to look at (default: 64)")
    command.add_argument("--gold", type=int, default=8, metavar="N", help="references to score (default: 8)")
    command.add_argument(
        "--gold-score", type=float, default=0.95, metavar="X", help="what they must score (default: 0.95)"
    )
    command.add_argument("--nodes", type=positive_int, default=1, metavar="N", help="nodes of the job (default: 1)")
    command.add_argument("--gpus", type=int, default=0, metavar="N", help="GPUs of each node (default: 0)")
    command.add_argument(
        "--reward-cpus", type=positive_int, default=1, metavar="N", help="CPUs of an EasyR1 reward actor (default: 1)"
    )
    command.add_argument(
        "--fingerprint", metavar="HEX", help="how another node renders, as its check says (default: not compared)"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from vincicoder.cli.examination import State, table

    found: list[Check] = []
    for checks in _stages(options):
        found += checks
        if not options.json:
            print(table(checks), flush=True)
        if any(check.failed for check in checks):
            break
    failed = sum(check.failed for check in found)
    if options.json:
        print(json.dumps({"ok": not failed, "checks": [check.to_dict() for check in found]}))
    elif failed:
        print(f"\nnot ready: {failed} check(s) failed; each line with 'fix:' says how to go on")
    else:
        warned = sum(check.state is State.WARNING for check in found)
        print("\nready" + (f", with {warned} warning(s)" if warned else ""))
    return FAULT if failed else FINE


def _stages(options: argparse.Namespace) -> Iterator[list[Check]]:
    """Yield the checks in groups, the cheap ones first; what follows needs that they are fine."""
    from vincicoder.cli.examination import Check, State, fonts, loadable_encoder, renderers, sandbox
    from vincicoder.cli.job import checked_options, has_gpu, machines, memory, parsed_options, same_renders
    from vincicoder.cli.job_data import Sample, data_checks, gold_check, read_sample
    from vincicoder.reward.combine import weights_of
    from vincicoder.trainers.environment import reward_options

    given = parsed_options(options.option, options.trainer)
    first: list[Check] = []
    config: RewardConfig | None = None
    try:
        if options.trainer == "swift":
            given = {**reward_options(), **given}
        config = checked_options(options.trainer, given)
        weights = ", ".join(f"{name} {weight:g}" for name, weight in weights_of(config.scoring).items())
        told = f"preset {config.scoring.preset}, encoder {config.encoder.name}, weights: {weights}"
        first.append(Check("options", State.OK, told))
    except VinciCoderError as error:
        first.append(Check("options", State.MISSING, str(error), "change the option", required=True))
    sample = Sample({}, {})
    if options.data:
        try:
            sample = read_sample(
                options.trainer, options.data, options.columns or {}, given.get("image_dir"), options.rows
            )
            first += data_checks(options.trainer, sample)
        except VinciCoderError as error:
            first.append(Check("data", State.MISSING, str(error), "give other files or --columns", required=True))
    else:
        first.append(Check("data", State.WARNING, "not looked at, as --data names no file of this machine"))
    if options.gpus:
        first += machines(options.trainer, options.nodes, options.gpus, options.reward_cpus)
    if config is not None:
        first.append(memory(config))
    yield first
    assert config is not None  # else there was a failure
    if options.gpus and not has_gpu():  # the job's GPUs are on other nodes of its Ray cluster
        config = dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, device="cpu"))
    encoder, rendering = config.encoder, config.rendering
    optional = {"cjk-font"} | ({"sandbox"} if rendering.sandbox.allow_unsandboxed else set())
    yield _asked_for([sandbox(), *fonts(), loadable_encoder(encoder.name, encoder.device)], optional)
    languages = _languages(sample)
    yield _asked_for(renderers(rendering.python, rendering.browser, languages), optional)
    if options.nodes > 1 or options.fingerprint:
        yield [same_renders(options.trainer, rendering, sorted(languages or LANGUAGES), options.fingerprint)]
    if options.gold and options.data:
        yield [gold_check(config, sample, options.gold, options.gold_score)]


def _asked_for(checks: list[Check], optional: set[str]) -> list[Check]:
    """Return checks that fail where something is missing, but for the optional ones."""
    return [dataclasses.replace(each, required=each.name not in optional) for each in checks]


def _languages(sample: Sample) -> set[str] | None:
    """Return the languages of a sample; None for all, where there is no sample."""
    return {str(request.language) for request in sample.requests.values()} or None
