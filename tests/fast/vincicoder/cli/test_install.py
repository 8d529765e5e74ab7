"""What is installed: the commands are valid, take odd paths, and need no root for an ordinary user."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vincicoder.cli import examination, install, main
from vincicoder.cli.examination import Check, State
from vincicoder.cli.installing import FONTS, download_steps, offline_steps, script, system_steps, user_steps
from vincicoder.cli.parser import FAULT, FINE, USAGE
from vincicoder.languages import LANGUAGES

ALL = [*LANGUAGES, *FONTS]


def is_valid(text: str) -> bool:
    return subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize("directory", [Path("/tmp/plain"), Path('/tmp/it\'s a "path" $HOME')])
def test_what_is_printed_is_a_valid_script_whatever_the_path(directory: Path) -> None:
    for steps in (user_steps(ALL, directory, directory / "b"), download_steps(directory, "dinov2", "org/name")):
        text = script(steps)
        assert is_valid(text)
        assert "sudo" not in text
        made = subprocess.run(["bash", "-c", steps[0].commands[0]], check=False)  # the first makes the directory
        assert made.returncode == 0
    assert directory.is_dir()
    directory.rmdir()


def test_every_language_has_a_way_without_root_or_says_who_can(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {step.name: step for step in user_steps(ALL)}
    assert set(steps) == {*LANGUAGES, "fonts"}
    for step in steps.values():
        assert step.commands or step.note
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo apt-get" in script(system_steps(ALL))


def test_fonts_are_fetched_where_there_is_no_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    [step] = user_steps(["cjk-font"])
    assert any("NotoSansCJK" in command for command in step.commands)


def missing(name: str) -> list[Check]:
    return [Check(name, State.MISSING, "not there", required=True)]


def test_only_what_is_missing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "_checks", list)
    assert main(["install"]) == FINE
    assert "Nothing is missing" in capsys.readouterr().err
    monkeypatch.setattr(install, "_checks", lambda: missing("html"))
    assert main(["install", "--user", "--print"]) == FINE
    printed = capsys.readouterr().out
    assert "playwright install --only-shell chromium" in printed
    assert "TinyTeX" not in printed


def test_a_step_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))  # in which no directory can be made
    monkeypatch.setattr(install, "_checks", lambda: missing("cjk-font"))
    assert main(["install", "--user"]) == FAULT
    assert "not installed: fonts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--only", "html,teleport"], "--only names teleport"),
        (["--encoder", "name"], "go with --download"),
        (["--from", "/nowhere"], "--from is '/nowhere'"),
    ],
)
def test_wrong_options_are_named(
    words: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "_checks", list)
    assert main(["install", *words]) == USAGE
    assert complaint in capsys.readouterr().err


def test_a_system_without_linux_is_told_what_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert main(["install"]) == USAGE
    assert "Here works what runs no generated code" in capsys.readouterr().err


def test_what_was_downloaded_is_copied_to_where_renderers_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, home = tmp_path / "a bundle", tmp_path / "home"
    (bundle / "fonts").mkdir(parents=True)
    (bundle / "fonts" / "a.ttf").write_bytes(b"font")
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    for _ in range(2):  # again, as after a new download
        for step in offline_steps(bundle):
            subprocess.run(["bash", "-c", "\n".join(step.commands)], check=True)
    assert (home / "vincicoder" / "fonts" / "a.ttf").read_bytes() == b"font"


def test_the_doctor_offers_an_ordinary_user_a_way_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(examination, "_font_families", set)
    assert [check.fix.split("  ")[0] for check in examination.fonts()] == ["vincicoder install"] * 2
    assert examination._fix(LANGUAGES.get("latex"), None).startswith("vincicoder install  (needs no root")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "vincicoder install" not in examination._fix(LANGUAGES.get("latex"), None)
