"""Where the responses of a group meet in a Ray job: a small asynchronous actor, which takes no CPU of a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray

from vincicoder.cluster.service import runtime_environment

_NAME = "vincicoder-ranking"
_AT_ONCE = 100_000  # responses that wait for their siblings


def ranking_actor(rendezvous: Callable[..., Any], *arguments: Any) -> Any:
    """Return the job's one rendezvous, which whichever process asks first starts.

    Args:
        rendezvous: The class, whose methods are coroutines.
        arguments: What it is made with.
    """
    placed = {"name": _NAME, "get_if_exists": True, "num_cpus": 0, "max_concurrency": _AT_ONCE}
    return ray.remote(rendezvous).options(runtime_env=runtime_environment(), **placed).remote(*arguments)
