"""A directory for commands to work in."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import GOOD, ICON
from PIL import Image


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a target, a good response, and an icon."""
    monkeypatch.chdir(tmp_path)
    image = Image.new("RGB", (512, 512), "white")
    image.paste("red", (0, 0, 320, 320))
    image.save("target.png")
    Path("good.md").write_text(GOOD)
    Path("icon.svg").write_text(ICON)
    return tmp_path
