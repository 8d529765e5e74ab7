"""A Ray cluster of several raylets on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes that this process is connected to, for all tests of a module."""
    from started_ray import two_nodes

    with two_nodes({"num_cpus": 2}, {"num_cpus": 2}) as cluster:
        yield cluster
