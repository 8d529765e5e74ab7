"""Where the reward runs in a cluster, and all that a job's service is made of."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vincicoder.options import Config, from_flat, option, to_flat
from vincicoder.reward.combine import measuring
from vincicoder.reward.config import RewardConfig


@dataclass(frozen=True)
class Placement(Config):
    """What the reward takes of a cluster. The defaults fit jobs that hold every GPU and CPU that Ray counts.

    Attributes:
        encoders: Encoder actors. None for one on each node that has GPUs, which uses all of them, else one in all.
            At 45 % of its peak an H100 embeds 638 tiles a second with DINOv2-L.
        encoder_gpus: GPUs that Ray reserves for each. 0 reserves none: the encoder then runs on the device that the
            reward's ``device`` says, which may be a GPU that the trainer uses too.
        encoder_cpus: CPUs that Ray reserves for each, and that torch uses when the encoder runs on CPUs.
        render_cpus: CPUs that Ray reserves for rendering on each node. 0 reserves none and renders beside whatever
            runs there.
        node_resource: Render and encode only on nodes that have this Ray resource, as started by
            ``ray start --resources '{"NAME": 1}'``; None takes every node that has CPUs.
        deadline_seconds: A request not answered in this time is asked of another node as well; not answered in three
            times this, it is given up as ``infrastructure``.
        patience_seconds: How long to wait while no node can render before that is an error.

    Example:
        >>> Placement(encoder_gpus=0.25, node_resource="reward").encoders is None
        True
    """

    encoders: int | None = option(
        None, help="encoder actors", shown="one per node with GPUs, or one", minimum=1, changes_scores=False
    )
    encoder_gpus: float = option(0.0, help="GPUs that Ray reserves for each encoder", minimum=0, changes_scores=False)
    encoder_cpus: float = option(0.0, help="CPUs that Ray reserves for each encoder", minimum=0, changes_scores=False)
    render_cpus: float = option(
        0.0, help="CPUs that Ray reserves for rendering on each node", minimum=0, changes_scores=False
    )
    node_resource: str | None = option(
        None, help="use only nodes with this Ray resource", shown="all with CPUs", changes_scores=False
    )
    deadline_seconds: float = option(
        300.0, help="time after which a request is sent to another node too", unit="s", above=0, changes_scores=False
    )
    patience_seconds: float = option(
        120.0, help="time to wait while no node can score", unit="s", above=0, changes_scores=False
    )


@dataclass(frozen=True)
class ClusterConfig(Config):
    """What a process asks of the cluster.

    Attributes:
        reward: How to score.
        placement: Where it runs.
    """

    reward: RewardConfig = field(default_factory=RewardConfig)
    placement: Placement = field(default_factory=Placement)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ClusterConfig:
        """Sort a trainer's options. Renders stay on the nodes unless ``keep_renders`` says otherwise.

        Raises:
            ConfigError: One is unknown or has a value that cannot work.

        Example:
            >>> ClusterConfig.of({"encoder": "embedded", "encoders": 2}).placement.encoders
            2
        """
        return from_flat(cls, {"keep_renders": "none", **options})

    def measured(self) -> ClusterConfig:
        """Return the configuration of the service, which measures components and weighs nothing.

        Processes with equal ones share one service, whatever their weights are.

        Example:
            >>> light, heavy = (ClusterConfig.of({"alignment_weight": each}) for each in (0.1, 0.5))
            >>> light.measured() == heavy.measured()
            True
        """
        return dataclasses.replace(self, reward=measuring(self.reward))

    @property
    def name(self) -> str:
        """The name in Ray of the service that has this configuration."""
        text = json.dumps(to_flat(self), sort_keys=True, default=repr)
        return f"vincicoder-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"

    def on_node(self, workers: int) -> RewardConfig:
        """Return the reward of a node with so many render workers."""
        return dataclasses.replace(self.reward, rendering=dataclasses.replace(self.reward.rendering, workers=workers))
