"""What the nodes of a Ray cluster have, for whoever checks a job before it starts."""

from __future__ import annotations

import ray


def node_resources() -> list[dict[str, float]] | None:
    """Return GPUs and CPUs of each node of the Ray cluster that a job here would join; None if there is none.

    Example:
        >>> node_resources()  # doctest: +SKIP
        [{'GPU': 8.0, 'CPU': 192.0}]
    """
    try:
        ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
    except ConnectionError:
        return None
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    ray.shutdown()
    return [{"GPU": node.get("GPU", 0), "CPU": node.get("CPU", 0)} for node in nodes]
