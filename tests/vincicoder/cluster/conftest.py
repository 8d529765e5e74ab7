"""A Ray cluster of several raylets on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray is not installed")
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "support")]  # for scored_groups and started_ray


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes that this process is connected to, for all tests of a module."""
    from started_ray import two_nodes

    with two_nodes({"num_cpus": 2}, {"num_cpus": 2}) as cluster:
        yield cluster
