"""Pools for the tests of the renderers: real workers, started once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from vincicoder.rendering import Limits, RenderPool

SECRET = "wd40-host-secret"  # what no picture, message or file of generated code may ever contain


@pytest.fixture(scope="session", autouse=True)
def secret_in_the_environment() -> Iterator[None]:
    os.environ["VINCICODER_TEST_SECRET"] = SECRET
    yield
    del os.environ["VINCICODER_TEST_SECRET"]


@pytest.fixture(scope="session")
def pool(secret_in_the_environment: None) -> Iterator[RenderPool]:
    with RenderPool(workers=2) as pool:
        yield pool


@pytest.fixture(scope="session")
def strict() -> Iterator[RenderPool]:
    """Ends code soon. Many workers, since most of what it is given only waits to be killed."""
    with RenderPool(workers=8, limits=Limits(cpu_seconds=1, wall_seconds=5, memory_mb=512, output_mb=16)) as pool:
        yield pool


