"""``vincicoder data``: build training data."""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from vincicoder.cli.parser import add_command
from vincicoder.errors import ConfigError


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "data",
        "build training data",
        "Run a data recipe; `vincicoder data RECIPE --help` shows its options. The recipes: demo, collect, sample,\n"
        "refine, attempts, rl, export, validate, report. Needs: pip install 'vincicoder[data]'.",
        "  vincicoder data demo --out sets/\n"
        "  vincicoder data collect datikz --from downloads/datikz-v2 --out records/datikz\n"
        "  vincicoder data validate sets/rl",
    )
    command.add_argument("recipe", metavar="RECIPE", help="name of the recipe")
    command.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="its options")


def run(options: argparse.Namespace) -> int:
    """Run the recipe and return its exit code."""
    from data_recipes import RECIPES

    if options.recipe not in RECIPES:
        raise ConfigError(f"there is no recipe {options.recipe!r}; there are: {', '.join(RECIPES)}")
    if find_spec("pyarrow") is None:
        raise ConfigError("data recipes need pyarrow and Ruff; install them: pip install 'vincicoder[data]'")
    code: int = import_module(f"data_recipes.{options.recipe}").main(options.rest)
    return code
