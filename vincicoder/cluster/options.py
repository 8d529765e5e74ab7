"""Where the reward runs in a cluster."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vincicoder.errors import ConfigError


@dataclass(frozen=True)
class Placement:
    """What the reward takes of a cluster. The defaults fit jobs that hold every GPU and CPU that Ray counts.

    Attributes:
        encoders: Encoder actors. One serves thousands of tiles per second on a GPU.
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
    """

    encoders: int = 1
    encoder_gpus: float = 0.0
    encoder_cpus: float = 0.0
    render_cpus: float = 0.0
    node_resource: str | None = None
    deadline_seconds: float = 300.0
    patience_seconds: float = 120.0

    def __post_init__(self) -> None:
        if self.encoders < 1:
            raise ConfigError(f"encoders is {self.encoders}; expected at least 1")
        for name in ("encoder_gpus", "encoder_cpus", "render_cpus"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected 0 or more")
        for name in ("deadline_seconds", "patience_seconds"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected more than 0")


ENCODER_OPTIONS = ("encoder", "device", "dtype", "batch_tiles")
PLACEMENT_OPTIONS = tuple(field.name for field in dataclasses.fields(Placement))


@dataclass(frozen=True)
class ServiceOptions:
    """All that a service is made of; processes with equal ones share one service.

    Attributes:
        reward: Options of ``VisualReward``.
        placement: See `Placement`.
    """

    reward: Mapping[str, Any]
    placement: Placement

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ServiceOptions:
        """Sort a host's flat options.

        Raises:
            ConfigError: One is unknown or has a value that cannot work.
        """
        from vincicoder.reward import VisualReward

        placement = Placement(**{name: options[name] for name in PLACEMENT_OPTIONS if name in options})
        reward = {name: value for name, value in options.items() if name not in PLACEMENT_OPTIONS}
        known = {name: each.default for name, each in inspect.signature(VisualReward).parameters.items()}
        if unknown := ", ".join(name for name in reward if name not in known):
            raise ConfigError(
                f"unknown reward option {unknown}; the options are: {', '.join([*known, *PLACEMENT_OPTIONS])}"
            )
        encoding = {name: known[name] for name in ENCODER_OPTIONS}
        return cls({**encoding, **reward, "keep_renders": False}, placement)

    @property
    def name(self) -> str:
        """The service's name in Ray."""
        text = json.dumps([self.reward, dataclasses.astuple(self.placement)], sort_keys=True, default=repr)
        return f"vincicoder-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
