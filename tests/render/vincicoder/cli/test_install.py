"""What was fetched for an offline cluster renders there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vincicoder.cli import main
from vincicoder.cli.parser import FINE
from vincicoder.rendering import RenderPool, html
from vincicoder.rendering.sandbox import user_directory


def test_a_bundle_is_installed_and_renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle holds this machine's own browser and TeX, laid as Playwright and TinyTeX lay theirs."""
    bundle = tmp_path / "bundle"
    browser = next(program for program in map(shutil.which, html._SHELLS_INSTALLED + html._INSTALLED) if program)
    shell = bundle / "browsers" / "chromium_headless_shell-9999" / "chrome-linux"
    programs = bundle / ".TinyTeX" / "bin" / "x86_64-linux"
    for directory in (shell, programs):
        directory.mkdir(parents=True)
    (shell / "headless_shell").symlink_to(browser)
    for name in ("pdflatex", "kpsewhich"):
        shutil.copy(str(shutil.which(name)), programs / name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    monkeypatch.setattr(user_directory, "SYSTEM_PATH", "/nowhere")
    assert main(["install", "--from", str(bundle)]) == FINE
    with RenderPool(1) as pool:
        assert "browsers/chromium_headless_shell-9999" in pool.start("html")["browser"]
        assert pool.render(r"\begin{tikzpicture}\draw (0,0) circle (1);\end{tikzpicture}", "latex").image is not None
