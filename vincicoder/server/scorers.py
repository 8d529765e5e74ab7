"""What ``vincicoder serve`` puts behind HTTP: this machine's reward, or a Ray cluster's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, TypeAlias

from vincicoder.server.app import Served
from vincicoder.server.config import ServerConfig

Opener: TypeAlias = Callable[[], AbstractContextManager[Served]]
"""Opens a scorer, and closes it at the end. Can be sent to another process."""


@contextmanager
def this_process(options: Mapping[str, Any]) -> Iterator[Served]:
    """Open a reward in this process.

    Args:
        options: Options of ``VisualReward``.
    """
    from vincicoder.reward import VisualReward

    with VisualReward(**options) as reward:
        yield Served(reward, reward.config, reward.totals)


@contextmanager
def this_machine(options: Mapping[str, Any]) -> Iterator[Served]:
    """Open the reward that all processes of this server share.

    Args:
        options: Options of ``VisualReward``.
    """
    from vincicoder.trainers.node import NodeReward

    reward = NodeReward(options)
    try:
        yield Served(reward, reward.config, reward.totals)
    finally:
        reward.close()


@contextmanager
def ray_cluster(options: Mapping[str, Any], address: str, namespace: str) -> Iterator[Served]:
    """Open the reward of a Ray cluster.

    Args:
        options: Options of ``VisualReward`` and of ``Placement``.
        address: The cluster's; ``"auto"`` for the one on this machine, ``"local"`` to start one.
        namespace: Ray's namespace, which the processes of a server share.
    """
    from vincicoder.cluster.connection import connected

    with connected(address, namespace):
        from vincicoder.cluster import ClusterReward  # imports Ray, which must know before how it is to listen

        reward = ClusterReward(options)
        yield Served(reward, reward.config, reward.totals, lambda: len(reward.nodes(fresh=True)))


def opener(options: Mapping[str, Any], config: ServerConfig) -> Opener:
    """Return what opens the scorer that a server needs.

    Args:
        options: Options of ``VisualReward``, with Ray of ``Placement`` too.
        config: Where to score, and in how many processes requests are taken.
    """
    if config.ray is not None:
        return partial(ray_cluster, options, config.ray, f"vincicoder-serve-{os.getpid()}")
    return partial(this_process if config.replicas == 1 else this_machine, options)


def joining(first: Opener) -> Opener:
    """Return what opens the same scorer in another process, while it is open in this one."""
    if not isinstance(first, partial) or first.func is not ray_cluster:
        return first
    from vincicoder.cluster.connection import current_address

    options, _, namespace = first.args
    return partial(ray_cluster, options, current_address(), namespace)
