"""The doctor: it tries things, says what it found, and fails only for what was asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from vincicoder.cli import main
from vincicoder.cli.examination import Check, State, examine, table
from vincicoder.errors import ConfigError


def test_weights_that_are_not_there_fail_without_a_download(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "weights")
    code = main(["doctor", "--json", "--encoder", missing, "--require", "svg"])
    data = json.loads(capsys.readouterr().out)
    [encoder] = [check for check in data["checks"] if check["name"] == "encoder"]
    assert (code, data["ok"]) == (1, False)
    assert (encoder["state"], encoder["required"]) == ("missing", True)
    assert missing in encoder["fix"] or "pip install" in encoder["fix"]


def test_an_interpreter_without_libraries_is_told_apart(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    [check] = [check for check in examine(python=str(bare), encoder="embedded") if check.name == "python"]
    assert check.failed
    assert check.fix.startswith(f"{bare} -m pip install")


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--require", "svg,teleport"]) == 2
    assert "teleport" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="no-such-python"):
        examine(python="no-such-python")


def test_the_table_marks_what_fails_and_what_is_only_optional() -> None:
    text = table(
        [
            Check("html", State.MISSING, "no browser", "apt-get install chromium", required=True),
            Check("gpu", State.MISSING, "none"),
            Check("svg", State.OK, "draws", required=True),
        ]
    )
    lines = text.splitlines()
    assert lines[0].startswith("MISSING   html")
    assert lines[1].strip() == "fix: apt-get install chromium"
    assert lines[2].startswith("optional  gpu")
    assert lines[3].startswith("ok        svg")
