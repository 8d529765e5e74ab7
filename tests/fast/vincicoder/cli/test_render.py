"""``vincicoder render`` as people and scripts call it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from command_line import COMMAND, ICON
from PIL import Image

from vincicoder.cli import main


def test_code_becomes_an_image(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "icon.svg", "-o", "icon.png"]) == 0
    with Image.open("icon.png") as image:
        assert image.getpixel((5, 5)) == (255, 0, 0)
    assert capsys.readouterr().out.startswith("icon.png: ")


def test_the_language_is_seen_in_the_code(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("code").write_text(f"<?xml version='1.0'?>\n{ICON}")
    assert main(["render", "code", "-o", "icon.png", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["language"], data["status"], data["output"]) == ("svg", "ok", "icon.png")


def test_code_that_renders_nothing_says_why(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.svg").write_text("<svg")
    assert main(["render", "broken.svg", "-o", "out.png"]) == 1
    assert capsys.readouterr().err.startswith("vincicoder: error: syntax_error: ")
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.svg", "-o", "out.png"], "'missing.svg' cannot be read"),
        (["icon.svg", "-o", "out.xyz"], "image format"),
        (["icon.svg", "-o", "no/such/out.png"], "directory that does not exist"),
        (["icon.svg", "-o", "out.png", "--language", "cobol"], "'cobol' is not known"),
        (["icon.svg", "-o", "out.png", "--python", "no-such-python"], "no-such-python"),
    ],
)
def test_render_refuses_wrong_files(
    directory: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["render", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_nothing_is_left_in_the_temporary_directory(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = directory / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([*COMMAND, "render", "icon.svg", "-o", "icon.png"], env=environment, check=True)
    assert list(temporary.iterdir()) == []
