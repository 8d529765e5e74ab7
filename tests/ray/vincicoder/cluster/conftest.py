"""A Ray cluster of several raylets on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from needed import needs

needs("ray")


@pytest.fixture(scope="session", autouse=True)
def ended() -> Iterator[None]:
    """End the shared cluster with the session."""
    yield
    from started_ray import end_shared_cluster

    end_shared_cluster()


@pytest.fixture
def cluster() -> Any:
    """A cluster of two nodes that this process is connected to, which tests in a row share."""
    from started_ray import shared_cluster

    return shared_cluster()
