"""The doctor: it tries things, says what it found, and fails only for what was asked for."""

from __future__ import annotations

import os
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from repository import EXAMPLES, ROOT

from vincicoder.cli import main
from vincicoder.cli.examination import Check, State, _extras, examine, loadable_encoder, names, table
from vincicoder.errors import ConfigError
from vincicoder.languages import LANGUAGES


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--require", "svg,TikZ,teleport"]) == 2
    assert "--require names teleport; it knows: " in capsys.readouterr().err
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


def test_every_extra_is_known_with_all_that_it_brings() -> None:
    extras = metadata.metadata("vincicoder").get_all("Provides-Extra") or []
    assert {name.removeprefix("extra-") for name in names() if name.startswith("extra-")} == set(extras) != set()
    checks = {each.name: each for each in _extras()}
    for extra in extras:
        asked = [each for each in map(Requirement, metadata.requires("vincicoder") or []) if each.marker]
        brought = {each.name for each in asked if each.marker and each.marker.evaluate({"extra": extra})} - {
            "vincicoder"
        }
        check = checks[f"extra-{extra}"]
        if check.state is State.OK:
            assert brought <= set(check.detail.split(", "))
        else:
            assert f"[{extra}]" in check.fix
    assert "vincicoder" not in checks["extra-all"].detail.replace("not installed: ", "").split(", ")


def test_the_doctor_and_the_install_script_know_the_same_packages_of_tex(tmp_path: Path) -> None:
    listed = (ROOT / "vincicoder" / "languages" / "latex.txt").read_text("utf-8").splitlines()
    packages = {line.split()[1] for line in listed if line and not line.startswith("#")}
    assert packages == set(LANGUAGES.get("latex").install.apt)
    assert len(packages) > 10
    for name in ("kpsewhich", "pdflatex"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    # A TeX that has programs and no file: all packages are missing but those that bring only a program.
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = ["bash", str(EXAMPLES / "install_system.sh"), "--check"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    assert packages - {"texlive-xetex"} <= set(said.removeprefix("missing: ").split())


def test_a_misspelt_encoder_is_told_the_nearest_and_nothing_to_install() -> None:
    check = loadable_encoder("embeded", None)
    assert check.state is State.MISSING
    assert "Did you mean 'embedded'?" in check.detail
    assert check.fix == ""
