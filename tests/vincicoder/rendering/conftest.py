"""Pools and a browser for the tests of the renderers: real workers, started once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vincicoder.rendering import Limits, RenderPool
from vincicoder.rendering.sandbox.client import ForkServer

# What no picture, message or file of generated code may ever contain; set before any worker starts.
os.environ["VINCICODER_TEST_SECRET"] = "wd40-host-secret"
sys.path.insert(0, str(Path(__file__).parent))  # for rendered
pytest.register_assert_rewrite("rendered")  # so that its failures show values

from rendered import start  # noqa: E402


@pytest.fixture(scope="session")
def pool() -> Iterator[RenderPool]:
    with RenderPool(workers=2) as pool:
        yield pool


@pytest.fixture(scope="session")
def strict() -> Iterator[RenderPool]:
    """Ends code soon. Many workers, since most of what it is given only waits to be killed."""
    with RenderPool(workers=8, limits=Limits(cpu_seconds=1, wall_seconds=5, memory_mb=512, output_mb=16)) as pool:
        yield pool


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assets")


@pytest.fixture(scope="module")
def browser(assets: Path) -> Iterator[ForkServer]:
    server = start(assets=str(assets))
    yield server
    server.close()
