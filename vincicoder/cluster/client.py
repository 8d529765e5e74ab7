"""What each process of a job holds: it spreads requests over the nodes, and repeats those that a node lost."""

from __future__ import annotations

import dataclasses
import functools
import queue
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

from vincicoder.cluster.encoding import plain_cause
from vincicoder.cluster.metrics import CallerMetrics
from vincicoder.cluster.options import ClusterConfig, Placement
from vincicoder.cluster.service import Node, connect, window
from vincicoder.errors import ClusterUnavailable, TargetError
from vincicoder.images import target_content, target_key
from vincicoder.languages import get_language
from vincicoder.reward import RewardRequest, RewardResult, Totals
from vincicoder.reward.combine import rewarded
from vincicoder.reward.config import RewardConfig
from vincicoder.status import Status

if TYPE_CHECKING:
    from vincicoder.rendering import Render

_TICK = 1.0  # seconds between checks of deadlines and of the nodes
_START = 30.0  # seconds that the service's own process may take to start on a busy machine
_REST = 0.5  # seconds that a node is left alone after it lost a request
_HOMES = 4096  # of the latest targets, as known to a process
_TARGETS = 256  # of the latest requests, kept in the object store


@dataclasses.dataclass(eq=False)
class _Job:
    """A request on its way."""

    index: int
    request: RewardRequest  # with no target where there is a reference
    target: str  # its digest; empty if it cannot be read, which the node will say in its result
    reference: Any
    tried: list[str] = dataclasses.field(default_factory=list)
    asked: float = 0.0
    started: float = 0.0
    answered: bool = False


class ClusterReward:
    """The reward of a Ray job, a `Scorer`. Its results are those of a local ``VisualReward``.

    Requests with the same target go to the same node while it keeps up, whichever process they come from, so that a
    target is embedded once. Each node has a bounded number of them under way; the rest wait here. A request whose node
    or actor died is asked of another one. Thread-safe; Ray must be initialised, as it is in every process of a job.

    Args:
        options: Options of ``VisualReward`` and of `Placement`. Results carry their render, as a compressed file, only
            if ``keep_renders`` is given.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.

    Example:
        >>> reward = ClusterReward({"encoder": "embedded", "encoders": 2})  # doctest: +SKIP
        >>> results = dict(reward.stream(requests))  # doctest: +SKIP
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._config = ClusterConfig.of(options)
        self._lock = threading.Lock()
        self._service: Any = None
        self._nodes: list[Node] = []
        self._load: Counter[str] = Counter()
        self._homes: OrderedDict[str, str] = OrderedDict()
        self._resting: dict[str, float] = {}
        self._targets: OrderedDict[str, Any] = OrderedDict()
        self.metrics = CallerMetrics()

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish.

        Args:
            requests: What to score.

        Raises:
            VinciCoderError: The encoder cannot be loaded or failed.
            ClusterUnavailable: No node could score for longer than the patience.
        """
        yield from _Stream(self, requests).run()

    def render(self, code: str, language: str) -> Render:
        """Render code on the node that has the least to do, and wait for it.

        Args:
            code: The code, without a fence.
            language: Name or alias of its language.

        Raises:
            ConfigError: The language is not known.
            ClusterUnavailable: No node could render for longer than the patience.
        """
        language = get_language(language).name
        capable = time.monotonic()  # when there was last a node
        while True:
            if self.nodes(fresh=True):
                capable = time.monotonic()
            elif time.monotonic() - capable > self.placement.patience_seconds:
                raise self.unavailable("a piece of code to render")
            node = self.choose("", [])
            if node is None:
                time.sleep(_REST)
                continue
            lost = False
            try:
                render: Render = ray.get(node.scorer.render.remote(code, language))
                return render
            except RayTaskError as error:
                raise plain_cause(error) from None
            except RayError:
                lost = True
            finally:
                self.answered(node, lost)

    def totals(self) -> Totals:
        """Return what the cluster's scorers have done since they started.

        Raises:
            ClusterUnavailable: One of them does not answer, as it is being started anew.
        """
        self.nodes(fresh=False)
        try:
            stats = self.stats()
        except RayError as error:
            raise ClusterUnavailable(f"the cluster does not answer with its totals: {error}") from error
        nodes = stats["nodes"].values()
        statuses: Counter[str] = Counter()
        for node in nodes:
            statuses.update(node["statuses"])
        embedded, reused = (sum(node[name] for node in nodes) for name in ("embedded", "reused"))
        return Totals(statuses, embedded, reused, sum(encoder["tiles"] for encoder in stats["encoders"]))

    def close(self) -> None:
        """Let go of the service, which ends with the process that started it, at the latest with the job."""
        self._service = None
        with self._lock:
            self._nodes = []
            self._targets.clear()

    def stats(self) -> dict[str, Any]:
        """Return the service's counts; see ``Service.stats``."""
        stats: dict[str, Any] = ray.get(self._connected().stats.remote())
        return stats

    def nodes(self, fresh: bool) -> list[Node]:
        """Return the nodes that can score. Ask the service for them if ``fresh``, or if none is known."""
        with self._lock:
            if self._nodes and not fresh:
                return self._nodes
        try:
            # Starting the encoder may take its patience; a service that does not answer at all is as good as lost.
            timeout = _START + 2 * self.placement.patience_seconds
            nodes: list[Node] = ray.get(self._connected().nodes.remote(), timeout=timeout)
        except RayTaskError as error:
            raise plain_cause(error) from None
        except (RayActorError, GetTimeoutError):
            # The process that had started the service is gone; the next call starts another.
            nodes = []
            self._service = None
        with self._lock:
            self._nodes = nodes
        return nodes

    @property
    def config(self) -> RewardConfig:
        """How it scores; weights are applied in this process."""
        return self._config.reward

    @property
    def placement(self) -> Placement:
        """Where the service runs."""
        return self._config.placement

    def reference(self, key: str, target: Any) -> Any:
        """Return the object-store reference of a target's content, put there if it is not."""
        with self._lock:
            if key in self._targets:
                self._targets.move_to_end(key)
                return self._targets[key]
        reference = ray.put(target)
        with self._lock:
            self._targets[key] = reference
            while len(self._targets) > _TARGETS:
                self._targets.popitem(last=False)
        return reference

    def locate(self, targets: Iterable[str]) -> None:
        """Ask the service for the homes of targets that are new to this process; without an answer they have none."""
        with self._lock:
            unknown = [each for each in dict.fromkeys(targets) if each not in self._homes]
        if not unknown:
            return
        try:
            homes = ray.get(self._connected().homes.remote(unknown), timeout=self.placement.patience_seconds)
        except (RayActorError, GetTimeoutError):
            return
        with self._lock:
            self._homes.update(homes)
            while len(self._homes) > _HOMES:
                self._homes.popitem(last=False)

    def choose(self, target: str, tried: Sequence[str]) -> Node | None:
        """Return the node to ask, which counts as asked, or None while all have enough to do.

        A request goes to its target's home, where the target is embedded once for all processes. Only when the home
        is lost, or has twice its share to do while another node has less, does another one take it. Without a target
        it is the node that has least to do.
        """
        with self._lock:
            able = [node for node in self._nodes if self._resting.get(node.id, 0) < time.monotonic()]
            home = next((node for node in able if node.id == self._homes.get(target)), None)
            if home and home.id not in tried and self._load[home.id] < 2 * window(home.workers):
                chosen = home
            else:
                free = [node for node in able if self._load[node.id] < window(node.workers)]
                untried = [node for node in free if node.id not in tried] or free
                if not untried:
                    return None
                chosen = min(untried, key=lambda node: self._load[node.id] / node.workers)
                if home is None and target:
                    self._homes[target] = chosen.id
            self._load[chosen.id] += 1
            return chosen

    def answered(self, node: Node, lost: bool) -> None:
        """Note that a node has one request less to do, and whether it lost it."""
        with self._lock:
            self._load[node.id] -= 1
            if lost:
                self._resting[node.id] = time.monotonic() + _REST

    def unavailable(self, left: str) -> ClusterUnavailable:
        """Return the error that says which work is left because no node takes it."""
        resource = self.placement.node_resource
        only = f"; only those with the resource {resource!r} are used" if resource else ""
        return ClusterUnavailable(
            f"no node of the cluster could score for {self.placement.patience_seconds:g} s, with {left} left. "
            f"`ray status` shows which nodes are alive{only}"
        )

    def _connected(self) -> Any:
        # Not under the lock: answers arrive in Ray's own thread, need the lock, and hold up every call of Ray.
        service = self._service or connect(self._config.measured())
        self._service = service
        return service


class _Stream:
    """One call of ``ClusterReward.stream``."""

    def __init__(self, reward: ClusterReward, requests: Sequence[RewardRequest]) -> None:
        self._reward = reward
        self._requests = requests
        self._waiting = deque(self._job(index, request) for index, request in enumerate(requests))
        self._open: set[_Job] = set(self._waiting)
        self._done: queue.SimpleQueue[tuple[_Job, Future[RewardResult]]] = queue.SimpleQueue()
        self._capable = time.monotonic()  # when there was last a node
        self._ticked = time.monotonic()

    def run(self) -> Iterator[tuple[int, RewardResult]]:
        self._reward.nodes(fresh=False)
        self._reward.locate(job.target for job in self._waiting)
        try:
            while self._open:
                yield from self._step()
        finally:
            self._reward.metrics.waiting(self, 0)

    def _step(self) -> Iterator[tuple[int, RewardResult]]:
        self._submit()
        try:
            job, future = self._done.get(timeout=_TICK)
        except queue.Empty:
            yield from self._check()
            return
        if not job.answered:
            yield from self._take(job, future)
        if time.monotonic() - self._ticked > _TICK:
            yield from self._check()

    def _job(self, index: int, request: RewardRequest) -> _Job:
        try:
            key = target_key(request.target)
            reference = self._reward.reference(key, target_content(request.target))
        except TargetError:
            return _Job(index, request, "", None)
        return _Job(index, dataclasses.replace(request, target=b""), key, reference)

    def _submit(self) -> None:
        while self._waiting:
            job = self._waiting[0]
            if job.answered:
                self._waiting.popleft()
                continue
            node = self._reward.choose(job.target, job.tried)
            if node is None:
                return
            self._waiting.popleft()
            job.tried.append(node.id)
            job.asked = time.monotonic()
            job.started = job.started or job.asked
            future = node.scorer.score.remote(job.request, job.target, [job.reference]).future()
            future.add_done_callback(functools.partial(self._arrive, job, node))

    def _arrive(self, job: _Job, node: Node, future: Future[RewardResult]) -> None:
        """Take an answer. Runs in Ray's thread, even after the stream was closed."""
        lost = isinstance(future.exception(), RayError) and not isinstance(future.exception(), RayTaskError)
        self._reward.answered(node, lost)
        self._done.put((job, future))

    def _take(self, job: _Job, future: Future[RewardResult]) -> Iterator[tuple[int, RewardResult]]:
        error = future.exception()
        if error is None:
            asked = self._requests[job.index]
            yield self._answer(job, rewarded(future.result(), self._reward.config.scoring, asked))
        elif isinstance(error, RayTaskError):
            raise plain_cause(error)
        elif isinstance(error, RayError):
            self._waiting.append(job)
            self._reward.metrics.repeated("lost")
            self._reward.nodes(fresh=True)
        else:
            raise error

    def _answer(self, job: _Job, result: RewardResult) -> tuple[int, RewardResult]:
        job.answered = True
        self._open.discard(job)
        return job.index, result

    def _check(self) -> Iterator[tuple[int, RewardResult]]:
        """Repeat or give up what has waited too long, and notice nodes that come and go."""
        now = self._ticked = time.monotonic()
        self._reward.metrics.waiting(self, len(self._waiting))
        if self._reward.nodes(fresh=True):
            self._capable = now
        placement = self._reward.placement
        if now - self._capable > placement.patience_seconds:
            raise self._reward.unavailable(f"{len(self._open)} responses")
        for job in [job for job in self._open if job.started]:
            if now - job.started > 3 * placement.deadline_seconds:
                message = f"no answer in {now - job.started:.0f} s from {len(job.tried)} nodes"
                yield self._answer(job, RewardResult.failed(job.request, Status.INFRASTRUCTURE, message))
            elif now - job.asked > placement.deadline_seconds and job not in self._waiting:
                self._waiting.append(job)
                self._reward.metrics.repeated("slow")
