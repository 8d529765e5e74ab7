"""The reward as trainers need it, and what to do when it is the machine or the data that failed."""

from __future__ import annotations

import atexit
import functools
import inspect
import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vincicoder.errors import ConfigError, RendererUnavailable, TargetError
from vincicoder.status import Status
from vincicoder.trainers.metrics import COMPONENTS, Metrics, metrics_from, metrics_of
from vincicoder.trainers.rows import NO_TARGET

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest, RewardResult

_NO_TARGET = "no row so far has a target that can be read, so every reward would be 0"
_FAULTY = (
    "{count} of the latest {total} samples could not be scored because of this machine, not of the model; "
    "training on would be training on noise. First fault: {fault}. `vincicoder doctor` says what is broken "
    "and how to mend it."
)


class Scorer(Protocol):
    """What scores underneath: a ``VisualReward``, or anything that answers like one."""

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish."""

    def close(self) -> None:
        """End every worker."""


class TrainerReward:
    """A ``VisualReward`` that answers as trainers need: floats, one set per sample, no holes.

    * The model's own faults score as the reward says.
    * A fault of the machine, which the core has already tried twice, must not be learnt from. The sample
      gets the mean of its group's other samples (equal target and prompt; its advantage in GRPO is then 0),
      of the latest samples if the group has none, and ``infrastructure`` 1. More than ``max(8, 10 %)`` such
      faults among the latest 1,024 samples, or none to take a mean of, raise
      :class:`~vincicoder.errors.RendererUnavailable`.
    * A row whose target cannot be read scores 0 with ``bad_target`` 1. As all samples of a group share it,
      nothing is learnt from it. While no target at all could be read, a batch of nothing but such rows, or 16
      of them, raise :class:`~vincicoder.errors.TargetError`.

    Thread-safe.

    Args:
        build: Makes the reward underneath; called at the first use, so that a process which never scores
            starts nothing.
        how: How to hand targets to the reward under this trainer, for the error message.
        one_by_one: Whether the trainer hands over samples one by one, so that a batch says little of the data.
    """

    def __init__(self, build: Callable[[], Scorer], how: str, one_by_one: bool = False) -> None:
        self._build = build
        self._how = how
        self._one_by_one = one_by_one
        self._reward: Scorer | None = None
        self._lock = threading.Lock()
        self._latest: deque[Metrics] = deque(maxlen=256)
        self._faults: deque[bool] = deque(maxlen=1024)
        self._targets_read = False
        self._targets_missed = 0

    @property
    def reward(self) -> Scorer:
        """The reward underneath, built now if it was not yet."""
        with self._lock:
            if self._reward is None:
                self._reward = self._build()
            return self._reward

    def close(self) -> None:
        """End the reward's workers, if it was ever used."""
        with self._lock:
            if self._reward is not None:
                self._reward.close()
                self._reward = None

    def score(self, requests: Sequence[RewardRequest]) -> list[Metrics]:
        """Score a batch, in order. Raises what :meth:`stream` raises."""
        scored = dict(self.stream(requests))
        return [scored[index] for index in range(len(requests))]

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, Metrics]]:
        """Yield ``(index, metrics)`` as samples finish; those that need a stand-in come last.

        Raises:
            TargetError: No row so far had a readable target.
            RendererUnavailable: Too many faults of the machine.
        """
        scored: dict[int, Metrics] = {}
        faults: dict[int, str] = {}
        targets_read = False
        # Told apart here, since the reward looks at the target only when there is code to render.
        untargeted = {index: "it has none" for index, each in enumerate(requests) if each.target is NO_TARGET}
        targeted = [index for index in range(len(requests)) if index not in untargeted]
        for position, result in self.reward.stream([requests[index] for index in targeted]):
            index = targeted[position]
            if result.status is Status.INFRASTRUCTURE:
                faults[index] = result.message
            elif result.status is Status.BAD_TARGET:
                untargeted[index] = result.message
            else:
                targets_read = targets_read or result.execution > 0
                scored[index] = metrics_of(result)
                yield index, scored[index]
        self._check_targets(targets_read, list(untargeted.values()), whole=len(untargeted) == len(requests))
        for index in untargeted:
            yield index, metrics_from(dict.fromkeys(COMPONENTS, 0.0), Status.BAD_TARGET)
        with self._lock:
            self._latest.extend(scored.values())
            self._faults.extend([False] * len(scored) + [True] * len(faults))
        if faults:
            self._check_faults(list(faults.values()))
            yield from self._stand_ins(requests, scored, faults)

    def _check_targets(self, read: bool, missed: Sequence[str], whole: bool) -> None:
        with self._lock:
            self._targets_read = self._targets_read or read
            self._targets_missed += len(missed)
            many = self._targets_missed >= 16 or (whole and not self._one_by_one)
            hopeless = missed and many and not self._targets_read
        if hopeless:
            raise TargetError(f"{_NO_TARGET} (the first: {missed[0]}). {self._how}")

    def _check_faults(self, faults: Sequence[str]) -> None:
        with self._lock:
            count, total = sum(self._faults), len(self._faults)
            hopeless = count > max(8, total // 10) or not self._latest
        if hopeless:
            raise RendererUnavailable(_FAULTY.format(count=count, total=total, fault=faults[0]))

    def _stand_ins(
        self, requests: Sequence[RewardRequest], scored: Mapping[int, Metrics], faults: Mapping[int, str]
    ) -> Iterator[tuple[int, Metrics]]:
        from vincicoder.images import target_key

        def group_of(index: int) -> tuple[str, str | None]:
            return target_key(requests[index].target), requests[index].prompt

        groups: dict[tuple[str, str | None], list[Metrics]] = {}
        for index, metrics in scored.items():
            groups.setdefault(group_of(index), []).append(metrics)
        with self._lock:
            latest = list(self._latest)
        for index in faults:
            peers = groups.get(group_of(index), latest)
            mean = {name: sum(each[name] for each in peers) / len(peers) for name in COMPONENTS}
            yield index, metrics_from(mean, Status.INFRASTRUCTURE)


_shared: dict[str, TrainerReward] = {}
_shared_lock = threading.Lock()


def shared_reward(
    options: Mapping[str, Any], how: str, own: Sequence[str] = (), one_by_one: bool = False, per_node: bool = False
) -> TrainerReward:
    """Return this process's :class:`TrainerReward` with these options; equal options get the same one.

    In a Ray job this is the job's service, see ``vincicoder.cluster``, unless the option ``cluster`` is False; its
    options are then known too. It is closed when the process ends.

    Args:
        options: Options of ``VisualReward`` and ``cluster``, perhaps as nodes of the host's configuration.
        how: See :class:`TrainerReward`.
        own: Names of the options that the adapter keeps for itself, for the error message.
        one_by_one: See :class:`TrainerReward`.
        per_node: Whether, outside of Ray, the processes of one job on this machine share workers and encoder.

    Raises:
        ConfigError: An option is unknown.
    """
    plain = {name: _plain(value) for name, value in options.items()}
    cluster = plain.pop("cluster", None)
    if cluster is None:
        cluster = _in_ray_job()
    key = json.dumps([plain, cluster, per_node], sort_keys=True, default=repr)
    with _shared_lock:
        if key not in _shared:
            _check_names(plain, own, cluster)
            _shared[key] = TrainerReward(functools.partial(_build, plain, cluster, per_node), how, one_by_one)
            atexit.register(_shared[key].close)
        return _shared[key]


def _in_ray_job() -> bool:
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized()


def _check_names(options: Mapping[str, Any], own: Sequence[str], cluster: bool) -> None:
    from vincicoder.reward import VisualReward

    known = {*own, *inspect.signature(VisualReward).parameters, "cluster"}
    if cluster:
        from vincicoder.cluster.options import PLACEMENT_OPTIONS

        known.update(PLACEMENT_OPTIONS)
    if unknown := ", ".join(name for name in options if name not in known):
        raise ConfigError(f"unknown reward option {unknown}; the options are: {', '.join(sorted(known))}")


def _build(options: Mapping[str, Any], cluster: bool, per_node: bool) -> Scorer:
    if cluster:
        from vincicoder.cluster import ClusterReward

        return ClusterReward(options)
    if per_node:
        from vincicoder.trainers.node import NodeReward

        return NodeReward(options)
    from vincicoder.reward import VisualReward

    return VisualReward(**options)


def _plain(value: Any) -> Any:
    """Turn a host's configuration node (OmegaConf's, say) into plain values."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return tuple(_plain(each) for each in value)
    return value
