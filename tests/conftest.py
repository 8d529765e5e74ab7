"""What all tiers share: their order, and pools of workers that are started once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# What no render, message or file of generated code may ever contain; set before any worker starts.
os.environ["VINCICODER_TEST_SECRET"] = "wd40-host-secret"
pytest.register_assert_rewrite("rendered")  # so that its failures show values

from vincicoder.rendering import Limits, RenderPool  # noqa: E402

TIERS = ("fast", "render", "encoder", "ray", "trainers", "golden")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run quick tiers first, whatever order the command line has, so that a typo shows after seconds."""
    items.sort(key=lambda item: TIERS.index(item.path.relative_to(Path(__file__).parent).parts[0]))


@pytest.fixture(scope="session")
def pool() -> Iterator[RenderPool]:
    with RenderPool(workers=2) as pool:
        yield pool


@pytest.fixture(scope="session")
def strict() -> Iterator[RenderPool]:
    """Ends code soon. Many workers, since most of what it is given only waits to be killed."""
    with RenderPool(workers=8, limits=Limits(cpu_seconds=1, wall_seconds=5, memory_mb=512, output_mb=16)) as pool:
        yield pool
