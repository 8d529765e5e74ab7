"""Pools for the tests of the renderers: real workers, started once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from vincicoder.rendering import Limits, RenderPool

# What no picture, message or file of generated code may ever contain; set before any worker starts.
os.environ["VINCICODER_TEST_SECRET"] = "wd40-host-secret"


@pytest.fixture(scope="session")
def pool() -> Iterator[RenderPool]:
    with RenderPool(workers=2) as pool:
        yield pool


@pytest.fixture(scope="session")
def strict() -> Iterator[RenderPool]:
    """Ends code soon. Many workers, since most of what it is given only waits to be killed."""
    with RenderPool(workers=8, limits=Limits(cpu_seconds=1, wall_seconds=5, memory_mb=512, output_mb=16)) as pool:
        yield pool
