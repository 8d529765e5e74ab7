"""The reward as a service inside a Ray job: rendering on the CPUs of all nodes, encoding where there is room.

::

    ClusterReward          in each process that wants scores; spreads requests over the nodes and notices when one dies
      └─ Service           one named actor per job; knows the nodes and starts the two below
           ├─ NodeScorer   one actor per node: a ``VisualReward`` with that node's render workers
           └─ TileEncoder  the encoder, on a GPU, on a share of one, or on CPUs; merges what the nodes send
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from vincicoder.cluster.options import Placement

if TYPE_CHECKING:
    from vincicoder.cluster.client import ClusterReward

__all__ = ["ClusterReward", "Placement"]


def __getattr__(name: str) -> object:
    if name == "ClusterReward":  # imports Ray
        return importlib.import_module("vincicoder.cluster.client").ClusterReward
    raise AttributeError(f"module 'vincicoder.cluster' has no attribute {name!r}")
