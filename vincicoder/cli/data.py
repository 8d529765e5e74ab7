"""``vincicoder data``: build training data."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from vincicoder.cli.parser import add_command
from vincicoder.errors import ConfigError
from vincicoder.registry import Registry, install_command


class Recipe(Protocol):
    """A runnable data-building step, as ``RECIPE`` in a file of ``data_recipes``."""

    @property
    def summary(self) -> str:
        """One line that says what it makes."""

    @property
    def main(self) -> Callable[[Sequence[str] | None], int]:
        """Run the recipe with the arguments of its command line and return its exit code."""


RECIPES: Registry[Recipe] = Registry("recipe", "data_recipes", "RECIPE")
"""The recipes by name: the files of ``data_recipes``, which no import here names. Files are scanned, and not entry
points, so that a clone that nobody installed has the same recipes as a wheel."""


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "data",
        "build training data",
        f"Run a data recipe. `vincicoder data RECIPE --help` shows its options.\nNeeds: {install_command('data')}.",
        "  vincicoder data demo --out sets/\n"
        "  vincicoder data collect datikz --from downloads/datikz-v2 --out records/datikz\n"
        "  vincicoder data validate sets/rl",
    )
    command.details = _list_of_recipes
    command.add_argument("recipe", metavar="RECIPE", help="name of the recipe")
    command.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="its options")


def _list_of_recipes() -> str:
    return "recipes:\n" + "\n".join(f"  {name:<10}{RECIPES.get(name).summary}" for name in RECIPES)


def run(options: argparse.Namespace) -> int:
    """Run the recipe and return its exit code."""
    if options.recipe not in RECIPES:
        raise ConfigError(RECIPES.unknown(options.recipe))
    asks_for_help = any(each in ("-h", "--help") for each in options.rest)
    if find_spec("pyarrow") is None and not asks_for_help:
        raise ConfigError(f"data recipes need pyarrow and Ruff; run: {install_command('data')}")
    return RECIPES.get(options.recipe).main(options.rest)
