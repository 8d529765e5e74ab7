"""The quickstart: it takes what can be rendered here, and leaves out the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vincicoder.cli import main, quickstart
from vincicoder.cli.parser import FAULT
from vincicoder.errors import ConfigError
from vincicoder.languages import LANGUAGES


def languages_of(path: Path) -> set[str]:
    return {json.loads(line)["language"] for line in path.read_text("utf-8").splitlines()}


def test_every_language_has_a_sample_and_every_sample_its_target() -> None:
    rows = [json.loads(line) for line in (quickstart.SAMPLES / "requests.jsonl").read_text("utf-8").splitlines()]
    assert {row["language"] for row in rows} == set(LANGUAGES)
    assert {row["target"] for row in rows} == {path.name for path in quickstart.SAMPLES.glob("*.png")}


def test_samples_that_cannot_be_rendered_are_left_out(tmp_path: Path) -> None:
    requests = quickstart._copy_samples(tmp_path, {"latex", "html"})
    assert requests is not None
    assert languages_of(requests) == {"python", "svg"}
    requests = quickstart._copy_samples(tmp_path, set())  # after what was missing is installed
    assert requests is not None
    assert languages_of(requests) == set(LANGUAGES)


def test_a_machine_that_renders_nothing_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "_missing", lambda: set(LANGUAGES))
    assert main(["quickstart", "--out", str(tmp_path)]) == FAULT
    assert "no language can be rendered" in capsys.readouterr().err


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="--out"):
        quickstart._copy_samples(tmp_path / "file", set())
