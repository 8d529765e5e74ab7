"""A browser for the tests of pages: a real worker, started once a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rendered import start

from vincicoder.rendering.sandbox.client import ForkServer


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assets")


@pytest.fixture(scope="module")
def browser(assets: Path) -> Iterator[ForkServer]:
    server = start(assets=str(assets))
    yield server
    server.close()
