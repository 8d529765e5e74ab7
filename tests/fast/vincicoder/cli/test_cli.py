"""The command line as a whole: its commands, their help, and how quickly it is there."""

from __future__ import annotations

import subprocess
import sys

import pytest
from command_line import COMMAND

from vincicoder import __version__
from vincicoder.cli import main


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


def test_the_module_runs_and_tells_its_version() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"vincicoder {__version__}\n"
