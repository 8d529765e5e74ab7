"""``vincicoder watch``: say whether a training run is on course."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.cli.parser import FAULT, FINE, add_command, positive
from vincicoder.errors import ConfigError
from vincicoder.reporting.printable import printable

if TYPE_CHECKING:
    from vincicoder.runs.watch import Report

STOP = 3
"""Exit code: going on brings nothing."""


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "watch",
        "say whether a training run is on course",
        "Read the log of a run, also while it is written, and say what is off and where it is likely to come from, by\n"
        "rules for all runs and by the bands of a recipe. It reads what EasyR1, verl, ms-swift and TRL log.\n"
        "Exit code 0: on course; 1: something is off; 3: stop; 2: a wrong option, or no log.",
        "  vincicoder watch output/qwen3vl-8b-grpo\n"
        "  vincicoder watch checkpoints/my-run --recipe recipes/r2.yaml --follow\n"
        "  vincicoder watch my-run.log --json || scancel $JOB",
    )
    command.add_argument("run_path", metavar="RUN", help="directory of the run, or the file of its log")
    command.add_argument("--recipe", metavar="FILE", help="recipe that the run was started with (default: none)")
    command.add_argument(
        "--trainer",
        choices=("easyr1", "verl", "swift", "trl"),
        help="trainer that wrote the log (default: found out)",
    )
    command.add_argument(
        "--follow",
        action="store_true",
        help="look again until the run should stop or has reached the recipe's last step",
    )
    command.add_argument(
        "--interval", type=positive, default=30.0, metavar="SECONDS", help="seconds between looks (default: 30)"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object, with --follow one a line")


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from vincicoder.runs.log import read_log
    from vincicoder.runs.recipe import read_recipe
    from vincicoder.runs.watch import watch

    recipe = read_recipe(options.recipe) if options.recipe else None
    seen = -1
    while True:
        try:
            report = watch(read_log(options.run_path, options.trainer), recipe)
        except ConfigError as error:
            if not options.follow or not Path(options.run_path).exists():
                raise
            if seen < 0:
                print(printable(f"vincicoder: waiting: {error}"), file=sys.stderr)
                seen = 0
            time.sleep(options.interval)
            continue
        if report.step != seen:
            seen = report.step
            _show(report, options.json)
        code = _code(report)
        over = report.last is not None and report.step >= report.last
        if not options.follow or code == STOP or over:
            return code
        time.sleep(options.interval)


def _show(report: Report, as_json: bool) -> None:
    from vincicoder.runs.watch import text_of

    if as_json:
        print(json.dumps(report.to_dict(), allow_nan=False), flush=True)
    else:
        print(printable(text_of(report)), flush=True)


def _code(report: Report) -> int:
    from vincicoder.runs.finding import Level

    return {None: FINE, Level.NOTE: FINE, Level.OFF: FAULT, Level.STOP: STOP}[report.level]
