"""What all tiers share: their order, and pools of workers that are started once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin import install
from repository import SUPPORT

# Tests fill the cores by themselves. Threads of torch would wait for each other by spinning: ten times the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What no render, message or file of generated code may ever contain; set before any worker starts.
os.environ["VINCICODER_TEST_SECRET"] = "wd40-host-secret"
pytest.register_assert_rewrite("rendered")  # so that its failures show values

from vincicoder.rendering import Limits, RenderPool  # noqa: E402

TIERS = ("fast", "render", "encoder", "golden", "ray", "trainers")


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` means: most tests wait for others, so one more than there are cores."""
    return min(len(os.sched_getaffinity(0)) + 1, 6)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run quick tiers first, whatever order the command line has, so that a typo shows after seconds."""

    def position(item: pytest.Item) -> tuple[int, bool]:
        tier = item.path.relative_to(Path(__file__).parent).parts[0]
        return TIERS.index(tier), item.get_closest_marker("long") is None

    items.sort(key=position)


@pytest.fixture(scope="session")
def pool() -> Iterator[RenderPool]:
    """Ends nothing that comes to an end: a busy machine takes several times the CPU time of a quiet one."""
    with RenderPool(workers=2, limits=Limits(cpu_seconds=60, wall_seconds=180)) as pool:
        yield pool


@pytest.fixture(scope="session")
def strict() -> Iterator[RenderPool]:
    """Ends code soon. Many workers, since most of what it is given only waits to be killed."""
    with RenderPool(workers=8, limits=Limits(cpu_seconds=1, wall_seconds=5, memory_mb=512, output_mb=16)) as pool:
        yield pool


@pytest.fixture(scope="session")
def dot_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a package of its own installed: the language ``dot``, the encoder ``grey``, the component ``ink``.

    It is on nobody's path: a test puts it on that of its own processes.
    """
    site = tmp_path_factory.mktemp("external") / "site"
    install(SUPPORT / "vincicoder_dot", site)
    return site
