"""The doctor: it tries things, says what it found, and fails only for what was asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from vincicoder.cli import main
from vincicoder.cli.examination import Check, State, examine, names, table
from vincicoder.errors import ConfigError


@pytest.fixture(scope="module")
def checks() -> dict[str, Check]:
    return {check.name: check for check in examine(encoder="embedded")}


def test_everything_is_looked_at_once(checks: dict[str, Check]) -> None:
    assert list(checks) == names()


@pytest.mark.parametrize("language", ["python", "html", "svg", "latex"])
def test_each_renderer_really_drew(checks: dict[str, Check], language: str) -> None:
    check = checks[language]
    assert check.state is State.OK, check.detail
    assert check.required
    assert "draws in" in check.detail
    assert "confined by Landlock, seccomp" in check.detail


def test_sandbox_and_fonts_are_found(checks: dict[str, Check]) -> None:
    for name in ("sandbox", "latin-font", "cjk-font"):
        assert checks[name].state is State.OK, checks[name]


def test_the_encoder_really_embedded(checks: dict[str, Check]) -> None:
    assert checks["encoder"].state is State.OK
    assert checks["encoder"].required
    assert checks["encoder"].detail.startswith("embedded loads and embeds")


def test_whatever_is_missing_names_its_remedy(checks: dict[str, Check]) -> None:
    for check in checks.values():
        if check.state is State.MISSING and check.name != "gpu":
            assert check.fix, check


def test_a_browser_that_does_not_run_is_missing_and_mendable(tmp_path: Path) -> None:
    false_browser = tmp_path / "chromium"
    false_browser.write_text("#!/bin/sh\nexit 1\n")
    false_browser.chmod(0o755)
    found = {check.name: check for check in examine(required=["html"], encoder="embedded", browser=str(false_browser))}
    assert found["html"].failed
    assert "install" in found["html"].fix
    assert not found["svg"].required


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
    assert lines[1].strip() == "mend: apt-get install chromium"
    assert lines[2].startswith("optional  gpu")
    assert lines[3].startswith("ok        svg")
