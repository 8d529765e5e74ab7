"""The named actor that knows the nodes and starts what works on them."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from vincicoder import registry
from vincicoder.cluster.encoding import RemoteEncoder, TileEncoder, plain_cause
from vincicoder.cluster.metrics import count_start
from vincicoder.cluster.options import ClusterConfig
from vincicoder.cluster.scoring import NodeScorer
from vincicoder.errors import ClusterUnavailable

_REFRESH_SECONDS = 2.0
_HOMES = 65_536  # of the latest targets
_RESTART_SECONDS = 60.0  # in which an actor that was killed is there again
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Node:
    """A node that can score.

    Attributes:
        id: Ray's id of the node.
        scorer: Handle of its `NodeScorer`.
        workers: Renders at a time.
    """

    id: str
    scorer: Any
    workers: int


class Service:
    """A Ray actor; get it with `connect`.

    Args:
        config: What to run.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}
        self._checked = float("-inf")
        self._homes: OrderedDict[str, str] = OrderedDict()
        self._turns: dict[str, float] = {}
        places = {f"vincicoder-encoder-{uuid.uuid4().hex}": node for node in self._encoder_nodes()}
        self._encoders = {name: self._start_encoder(name, node) for name, node in places.items()}
        self._loaded: tuple[str, dict[str, list[str]]] | None = None
        count_start("service")

    def nodes(self) -> list[Node]:
        """Return the nodes that can score, after starting scorers on new ones.

        Raises:
            VinciCoderError: The encoder cannot be loaded, or there is no room for it.
        """
        with self._lock:
            if time.monotonic() - self._checked > _REFRESH_SECONDS:
                self._refresh()
                self._checked = time.monotonic()
            return list(self._nodes.values())

    def homes(self, targets: Sequence[str]) -> dict[str, str]:
        """Return the id of the node that each target belongs to, which is the same for all processes.

        A new target gets the node whose turn it is; a node has as many turns as it has workers. While there is no
        node, new targets get none.
        """
        with self._lock:
            for target in targets:
                if self._homes.get(target) not in self._nodes and self._nodes:
                    id = min(self._turns, key=self._turns.__getitem__)
                    self._turns[id] += 1 / self._nodes[id].workers
                    self._homes[target] = id
                if target in self._homes:
                    self._homes.move_to_end(target)
            while len(self._homes) > _HOMES:
                self._homes.popitem(last=False)
            return {target: self._homes[target] for target in targets if target in self._homes}

    def stats(self) -> dict[str, Any]:
        """Return the counts of every encoder, and of every node by its id."""
        with self._lock:
            nodes = list(self._nodes.values())
        return {
            "pid": os.getpid(),
            "encoders": _stats_of(list(self._encoders.values())),
            "nodes": dict(zip((node.id for node in nodes), _stats_of([node.scorer for node in nodes]), strict=True)),
        }

    def _refresh(self) -> None:
        nodes: list[dict[str, Any]] = ray.nodes()
        alive = {node["NodeID"]: node["Resources"] for node in nodes if node["Alive"]}
        wanted = self._config.placement.node_resource or "CPU"
        able = {id: resources for id, resources in alive.items() if resources.get(wanted, 0) > 0}
        self._nodes = {id: node for id, node in self._nodes.items() if id in able}
        for id, resources in able.items():
            if id not in self._nodes:
                self._nodes[id] = self._start_scorer(id, resources)
        latest = max(self._turns.values(), default=0.0)
        self._turns = {id: self._turns.get(id, latest) for id in self._nodes}  # a new node has missed no turn

    def _encoder_nodes(self) -> list[str | None]:
        """Return for each encoder the id of the node that it is for; None for one that Ray may place."""
        placement = self._config.placement
        if placement.encoders is not None:
            return [None] * placement.encoders
        wanted = {"GPU", placement.node_resource or "GPU"}
        nodes: list[dict[str, Any]] = [] if placement.encoder_gpus else ray.nodes()
        able = [node for node in nodes if node["Alive"] and all(node["Resources"].get(each, 0) > 0 for each in wanted)]
        return [node["NodeID"] for node in able] or [None]

    def _start_encoder(self, name: str, node: str | None) -> Any:
        placement, encoder = self._config.placement, self._config.reward.encoder
        if encoder.device is None and (node is not None or placement.encoder_gpus):
            encoder = dataclasses.replace(encoder, device="all")
        resources = {placement.node_resource: 0.001} if placement.node_resource else {}
        # Ray would hide the GPUs from an actor that reserves none, and this one may share one with the trainer.
        sharing = {} if placement.encoder_gpus else {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        return (
            ray.remote(TileEncoder)
            .options(
                name=name,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True) if node is not None else "DEFAULT",
                num_cpus=placement.encoder_cpus,
                num_gpus=placement.encoder_gpus,
                memory=1,  # byte: Ray starts an actor that needs nothing on any node, whatever its affinity
                resources=resources,
                max_restarts=-1,
                max_concurrency=1000,
                runtime_env=runtime_environment(**sharing),
            )
            .remote(encoder, int(placement.encoder_cpus))
        )

    def _start_scorer(self, id: str, resources: dict[str, float]) -> Node:
        placement = self._config.placement
        workers = int(self._config.reward.rendering.workers or placement.render_cpus or resources.get("CPU", 1))
        scorer = (
            ray.remote(NodeScorer)
            .options(
                num_cpus=placement.render_cpus,
                scheduling_strategy=NodeAffinitySchedulingStrategy(id, soft=False),
                max_restarts=-1,
                max_concurrency=window(workers) + 4,  # and room for questions about its state
                runtime_env=runtime_environment(),
            )
            .remote(self._config.on_node(workers), self._remote_encoder(id))
        )
        return Node(id, scorer, workers)

    def _remote_encoder(self, node: str) -> RemoteEncoder:
        """Return what reaches the encoders, those on this node if there are any, once all have loaded their weights."""
        if self._loaded is None:
            self._loaded = self._load_encoders()
        name, places = self._loaded
        return RemoteEncoder(name, places.get(node) or list(self._encoders), self._config.placement.patience_seconds)

    def _load_encoders(self) -> tuple[str, dict[str, list[str]]]:
        """Return the encoder's name, and the names of the actors by node."""
        placement = self._config.placement
        actors = self._encoders
        try:
            stats = ray.get([actor.stats.remote() for actor in actors.values()], timeout=placement.patience_seconds)
            names: list[str] = ray.get([actor.load.remote() for actor in actors.values()])
        except ray.exceptions.GetTimeoutError:
            raise ClusterUnavailable(
                f"Ray found no room for {len(actors)} encoder(s) with encoder_gpus={placement.encoder_gpus:g} and "
                f"encoder_cpus={placement.encoder_cpus:g} in {placement.patience_seconds:g} s; `ray status` shows what "
                "is free. encoder_gpus=0 reserves none and shares a GPU with the trainer."
            ) from None
        except ray.exceptions.RayTaskError as error:
            raise plain_cause(error) from None
        places: dict[str, list[str]] = {}
        for actor, found in zip(actors, stats, strict=True):
            places.setdefault(found["node"], []).append(actor)
        return names[0], places


def window(workers: int) -> int:
    """Return how many requests a node with so many render workers should have under way."""
    return workers + max(4, workers // 2)


def runtime_environment(**variables: str) -> dict[str, Any]:
    """Return the runtime environment of an actor: it finds this package also where it is cloned, and our plugins."""
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {"env_vars": {"PYTHONPATH": paths, **registry.environment(), **variables}}


def connect(config: ClusterConfig) -> Any:
    """Return a handle of the job's service with this configuration, started if there is none.

    The process that asks first starts it; Ray makes sure that only one does.
    """
    return (
        ray.remote(Service)
        .options(
            name=config.name, get_if_exists=True, num_cpus=0, max_concurrency=64, runtime_env=runtime_environment()
        )
        .remote(config)
    )


def _stats_of(actors: list[Any]) -> list[Any]:
    """Return what actors count. One that was killed is being started again, so it is asked until it answers."""
    until = time.monotonic() + _RESTART_SECONDS
    while (found := _answers(actors)) is None and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
    return ray.get([actor.stats.remote() for actor in actors]) if found is None else found


def _answers(actors: list[Any]) -> list[Any] | None:
    """Return what actors count, or None while one of them is away."""
    try:
        found: list[Any] = ray.get([actor.stats.remote() for actor in actors])
    except ray.exceptions.ActorUnavailableError:
        return None
    return found
