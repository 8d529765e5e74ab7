"""Pages that other renderers make: what they say of the code that they were made for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import page_language
import pytest
from repository import SUPPORT

from vincicoder.rendering import RenderPool

PLUGINS = {
    "vincicoder.languages": [
        {"name": "bars", "value": "page_language:LANGUAGE", "origin": "tests", "directory": str(SUPPORT)}
    ]
}


def run(*arguments, **options):
    environment = {**os.environ, "VINCICODER_PLUGINS": json.dumps(PLUGINS)}
    return subprocess.run(
        [sys.executable, "-m", "vincicoder", *arguments], env=environment, capture_output=True, text=True, **options
    )


def test_an_error_that_a_renderers_page_reports_is_the_codes_and_no_white_page(tmp_path):
    good, bad, image = tmp_path / "good.bars", tmp_path / "bad.bars", tmp_path / "a.png"
    good.write_text(page_language.LANGUAGE.sample)
    bad.write_text("[50, ")
    done = run("render", str(good), "-o", str(image))
    assert done.returncode == 0, done.stderr
    assert image.is_file()
    image.unlink()
    done = run("render", str(bad), "-o", str(image))
    assert done.returncode == 1
    assert "syntax_error" in done.stdout + done.stderr
    assert "the list is not valid" in done.stdout + done.stderr
    assert not image.exists()


@pytest.mark.parametrize("message", ["", "x" * 9999])
def test_a_page_that_a_response_wrote_reports_nothing(pool: RenderPool, message: str) -> None:
    page = f'<html data-syntax-error="{message}"><p>Hello'
    assert pool.render(page, "html").status == "ok"
