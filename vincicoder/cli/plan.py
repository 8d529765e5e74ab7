"""``vincicoder plan``: say what a training run needs before it starts."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from vincicoder.cli.parser import FAULT, FINE, add_command
from vincicoder.errors import ConfigError
from vincicoder.options import add_flags, changed, from_flat, given_flags
from vincicoder.planning.settings import Rates, Run
from vincicoder.reporting.printable import printable


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "plan",
        "say what a training run needs",
        "Say what a training run needs before it starts: memory of each GPU, batch split, rollout engine, CPUs for\n"
        "rendering, hours. Everything is computed from the model's shape and from the rates below; no hour has been\n"
        "measured. Exit code 1: the run does not fit; 2: a wrong option or file.",
        "  vincicoder plan --gpus 8 --gpu-memory 80 --model 8b\n"
        "  vincicoder plan --gpus 16 --trainer verl --profile fast --write run.sh\n"
        "  vincicoder plan --recipe recipes/r2.yaml --trainer swift --write run.sh\n"
        "  vincicoder plan --stage sft --gpus 64 --explain",
    )
    add_flags(command.add_argument_group("run"), Run)
    add_flags(command.add_argument_group("rates, which hours and memory follow from"), Rates)
    command.add_argument(
        "--recipe",
        metavar="FILE",
        help="plan the run of a recipe, such as recipes/r2.yaml; flags take precedence (default: none)",
    )
    command.add_argument("--explain", action="store_true", help="show every formula with its numbers")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument(
        "--write", metavar="FILE", help="write a Bash file that starts the run with these settings (default: none)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from vincicoder.planning.overrides import overrides_of
    from vincicoder.planning.plan import make_plan
    from vincicoder.planning.report import json_of, text_of

    given = given_flags(options, Run), given_flags(options, Rates)
    recipe = None
    if options.recipe:
        from vincicoder.runs.recipe import read_recipe

        recipe = read_recipe(options.recipe)
        given = recipe.options(*given)
    planned, rates = from_flat(Run, given[0]), from_flat(Rates, given[1])
    plan = make_plan(planned, rates)
    if options.json:
        print(json.dumps(json_of(plan), allow_nan=False))
    else:
        print(text_of(plan, options.explain), end="")
    if not plan.fits:
        if options.write:
            print(printable(f"vincicoder: {options.write} was not written, as the run does not fit"), file=sys.stderr)
        return FAULT
    if options.write:
        words = ["vincicoder", "plan", *(["--recipe", options.recipe] if recipe else [])]
        for name, value in {**changed(planned), **changed(rates)}.items():
            words += [f"--{name.replace('_', '-')}", f"{value}"]
        try:
            overrides = recipe.add_to(overrides_of(plan), planned.framework) if recipe else overrides_of(plan)
            Path(options.write).write_text(overrides.file(shlex.join(words)), "utf-8")
        except OSError as error:
            raise ConfigError(f"write is {options.write!r}, which cannot be written: {error.strerror}") from error
    return FINE
