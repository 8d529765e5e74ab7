"""This process's connection to a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def connected(address: str, namespace: str) -> Iterator[None]:
    """Connect this process to a Ray cluster until the end of the block.

    Args:
        address: The cluster's; ``"auto"`` for the one on this machine, ``"local"`` to start one.
        namespace: Ray's namespace; processes that share a service share it.
    """
    import ray

    dashboard = {"include_dashboard": False} if address == "local" else {}
    ray.init(address, namespace=namespace, log_to_driver=False, **dashboard)
    try:
        yield
    finally:
        ray.shutdown()


def current_address() -> str:
    """Return the address of the cluster that this process is connected to, for another process to connect to."""
    import ray

    return str(ray.get_runtime_context().gcs_address)
