"""How the nodes of a Ray cluster render, for whoever checks a job before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from vincicoder.cluster.service import runtime_environment
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig
from vincicoder.rendering.fingerprint import fingerprint

_SECONDS = 120


def node_fingerprints(
    languages: Sequence[str], rendering: RenderingConfig, address: str = "auto"
) -> dict[str, dict[str, str]]:
    """Return how each node of the Ray cluster renders, by its name; see `fingerprint`.

    A node that cannot say has the reason under ``""``.

    Args:
        languages: Names of those to render.
        rendering: How.
        address: Of the cluster.

    Example:
        >>> node_fingerprints(["svg"], RenderingConfig(workers=1))  # doctest: +SKIP
        {'gpu-1 (10.0.0.1)': {'svg': '0f3c5d9e8a7b6c5d', 'all': '5b1e0c7d2f3a4b6c'}}
    """
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    try:
        asked = {}
        for node in ray.nodes():
            if node["Alive"]:
                where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                # A byte: Ray starts what needs nothing on any node, whatever its affinity. No CPU may be free.
                options = {"num_cpus": 0, "memory": 1, "max_retries": 0, "runtime_env": runtime_environment()}
                task = ray.remote(_fingerprint_here).options(scheduling_strategy=where, **options)
                name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
                asked[name if name not in asked else f"{name} {node['NodeID'][:6]}"] = task.remote(languages, rendering)
        return {name: _answer(task) for name, task in asked.items()}
    finally:
        ray.shutdown()


def _fingerprint_here(languages: Sequence[str], rendering: RenderingConfig) -> dict[str, str]:
    with RenderPool.of(rendering) as pool:
        return fingerprint(pool, languages)


def _answer(task: Any) -> dict[str, str]:
    try:
        found: dict[str, str] = ray.get(task, timeout=_SECONDS)
        return found
    except ray.exceptions.GetTimeoutError:
        return {"": f"did not answer within {_SECONDS} s"}
    except ray.exceptions.RayError as error:
        return {"": str(error).strip().splitlines()[-1]}
