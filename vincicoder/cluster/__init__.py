"""The reward as a service inside a Ray job: rendering on the CPUs of all nodes, encoding where there is room.

::

    ClusterReward          in each process that wants scores; hands requests to the nodes, notices what dies
      └─ Service           one named actor per job: knows the nodes and starts the two below
           ├─ NodeScorer   one actor per node: a ``VisualReward`` with that node's render workers
           └─ TileEncoder  the encoder: on a GPU, on a share of one, or on CPUs; merges what the nodes send
"""

from __future__ import annotations

from vincicoder.cluster.client import ClusterReward
from vincicoder.cluster.options import Placement

__all__ = ["ClusterReward", "Placement"]
