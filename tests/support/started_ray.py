"""Ray in the process of the tests, on a machine that may have to read all of Ray from a slow disk first."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from vincicoder.rendering.sandbox import processes

Started = TypeVar("Started")


_shared = ExitStack()
_shared_cluster: Any = None


def shared_cluster() -> Any:
    """Return a cluster of two nodes that this process is connected to, and that tests leave as they found it.

    It is started for the first that asks, and ends when a test wants a cluster of its own.
    """
    global _shared_cluster
    if _shared_cluster is None:
        _shared_cluster = _shared.enter_context(two_nodes({"num_cpus": 2}, {"num_cpus": 2}))
    return _shared_cluster


def end_shared_cluster() -> None:
    """End the shared cluster if there is one: a process can be connected to one cluster only."""
    global _shared_cluster
    _shared.close()
    _shared_cluster = None


@contextmanager
def one_node(**resources: Any) -> Iterator[None]:
    """A cluster of one node with the resources that ``ray.init`` is given here."""
    import ray

    end_shared_cluster()
    # "local": a cluster that somebody else left running is not ours to use.
    _patiently(lambda: ray.init("local", include_dashboard=False, log_to_driver=False, **resources))
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def two_nodes(head: dict[str, Any], other: dict[str, Any]) -> Iterator[Any]:
    """Ray's cluster utility with two nodes of these resources, each with a raylet of its own."""
    import ray
    from ray.cluster_utils import Cluster

    def start() -> Any:
        cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **head})
        cluster.add_node(**other)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        return cluster

    end_shared_cluster()
    cluster = _patiently(start)
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _patiently(start: Callable[[], Started], tries: int = 3) -> Started:
    """Start again what Ray gave up: it waits 30 s for its processes, which the first time on a machine may not do."""
    import ray

    before = set(processes.descendants(os.getpid()))
    try:
        return start()
    except Exception as error:
        if tries == 1:
            raise
        warnings.warn(f"Ray did not start and is started again: {error!r}", stacklevel=2)
    ray.shutdown()
    for pid in set(processes.descendants(os.getpid())) - before:
        os.kill(pid, signal.SIGKILL)
    return _patiently(start, tries - 1)
