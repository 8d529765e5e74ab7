"""A browser to look at reports with, not the sandbox's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    programs = map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))
    program = next((each for each in programs if each), None)
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()
