"""The command line as a whole: its commands, their help, and how quickly it is there."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import NoReturn

import pytest
from command_line import COMMAND

from vincicoder import __version__
from vincicoder.cli import build_parser, main
from vincicoder.cli.data import RECIPES


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'PIL', 'tqdm', 'playwright', 'matplotlib'}"
    code = f"import sys, vincicoder.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("command", [[], ["score"], ["render"], ["doctor"], ["serve"], ["data"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert "usage: vincicoder" in capsys.readouterr().out


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser, and those of all commands below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from parsers(each)


@pytest.fixture
def all_parsers(monkeypatch: pytest.MonkeyPatch) -> list[argparse.ArgumentParser]:
    found = [*parsers(build_parser())]

    def noted(self: argparse.ArgumentParser, *_: object) -> NoReturn:
        found.append(self)
        raise SystemExit

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", noted)  # recipes make theirs when they are run
    for name in RECIPES:
        with pytest.raises(SystemExit):
            RECIPES.get(name).main([])
    return found


def test_every_option_with_a_value_says_in_the_help_what_it_is_without(all_parsers) -> None:
    assert len(all_parsers) > 25
    for parser in all_parsers:
        for action in parser._actions:
            if action.option_strings and not action.required and action.nargs != 0:
                where = f"{parser.prog} {action.option_strings[-1]}"
                told = re.search(r"\(default: (.+)\)", action.help or "") or re.search("the default", action.help or "")
                assert told, f"{where} does not tell its default, {action.default!r}"
                if isinstance(action.default, int | float) and told.groups():
                    assert f"{action.default:.12g}" in told[1].replace(",", ""), where


def test_the_module_runs_and_tells_its_version() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"vincicoder {__version__}\n"
