"""What a user installed without root: fonts are drawn with, and the system's programs stay first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vincicoder.rendering import RenderPool
from vincicoder.rendering.sandbox import user_directory

TEXT = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="60"><text y="40" font-size="40" font-family="cmr10">gyre</text></svg>'


def drawn() -> np.ndarray:
    with RenderPool(1) as pool:
        render = pool.render(TEXT, "svg")
    assert render.image is not None, render
    return np.asarray(render.image)


def test_text_is_drawn_with_a_font_that_the_user_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    without = drawn()
    fonts = tmp_path / "vincicoder" / "fonts"
    fonts.mkdir(parents=True)
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"
    (fonts / font.name).write_bytes(font.read_bytes())
    assert not np.array_equal(without, drawn())


def test_programs_of_the_user_come_behind_those_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "vincicoder" / ".TinyTeX" / "bin" / "x86_64-linux"
    programs.mkdir(parents=True)
    (programs / "pdflatex").touch(0o755)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(user_directory, "SYSTEM_PATH", str(tmp_path / "system"))
    assert user_directory.search_path() == f"{tmp_path / 'system'}:{programs}"
    system = tmp_path / "system" / "pdflatex"
    system.parent.mkdir()
    system.touch(0o755)
    assert user_directory.search_path() == str(tmp_path / "system")
