"""The visual reward: align, render, compare, guard. Text and a target in, a number and its reasons out."""

from __future__ import annotations

import inspect
import queue
import threading
import time
import typing
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from PIL import Image

from vincicoder.alignment import Alignment, align
from vincicoder.errors import ConfigError, TargetError
from vincicoder.guards import is_blank, smuggled_raster
from vincicoder.images import TargetLike, open_target, target_key
from vincicoder.options import from_flat, signature
from vincicoder.rendering import Render
from vincicoder.rendering.pool import RenderPool
from vincicoder.reward.config import RewardConfig
from vincicoder.reward.result import STAGES, RewardRequest, RewardResult, Totals
from vincicoder.similarity import Comparison, Encoder, Prepared, Similarity, load_encoder
from vincicoder.similarity.config import DEFAULT_ENCODER, EncoderConfig
from vincicoder.status import Status

_WINDOW = 32  # requests under way beyond the workers: enough to fill a GPU batch, few enough to bound memory
_OPEN_TARGETS = 64


@dataclass
class _Job:
    """One request on its way."""

    index: int
    request: RewardRequest
    alignment: Alignment
    started: float
    seconds: dict[str, float]
    key: str = ""
    status: Status = Status.OK
    message: str = ""
    render: Image.Image | None = None
    prepared: Prepared | None = None


class VisualReward:
    """Score responses by rendering them and comparing the images. Safe to use from several threads.

    Args:
        encoder: ``"facebook/dinov2-large"`` or another DINOv2 by hub id or local directory, ``"timm:NAME"``, or
            ``"embedded"``, which needs no weights; an ``EncoderConfig``; or an ``Encoder``.
        options: Options of ``RewardConfig``, by flat name (``cpu_seconds=5``) or whole (``limits=Limits(5)``).

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        EncoderError: The encoder cannot be loaded; the message says how to get it.
        SandboxUnavailable: The kernel cannot confine code and ``allow_unsandboxed`` is not set.

    Example:
        >>> with VisualReward(encoder="embedded", workers=1) as reward:  # doctest: +SKIP
        ...     [result] = reward.score([RewardRequest(response, "icon.png", language="svg")])
    """

    def __init__(self, encoder: str | EncoderConfig | Encoder = DEFAULT_ENCODER, **options: Any) -> None:
        named = isinstance(encoder, str | EncoderConfig)
        self.config = from_flat(RewardConfig, {**({"encoder": encoder} if named else {}), **options})
        self.preset = self.config.scoring.preset
        self.guards = self.config.scoring.guards
        self.alignment_weight = self.config.scoring.alignment_weight
        self.coarse_weight = self.config.scoring.coarse_weight
        self.counts: Counter[Status] = Counter()
        self._require_fence = self.config.scoring.require_fence
        self._batch_tiles = self.config.encoder.batch_tiles
        self._keep_renders = self.config.keep_renders != "none"
        loaded = load_encoder(*_encoder_options(self.config.encoder)) if named else typing.cast("Encoder", encoder)
        self.similarity = Similarity(loaded, self.config.encoder.cache_targets)
        self.encoder = self.similarity.encoder.name
        self._targets = _Targets()
        self._counts_lock = threading.Lock()
        rendering = self.config.rendering
        self._pool = RenderPool(
            workers=rendering.workers,
            limits=rendering.limits,
            python=rendering.python,
            browser=rendering.browser,
            renderer_options=rendering.renderer_options,
            allow_unsandboxed=rendering.sandbox.allow_unsandboxed,
            namespaces=rendering.sandbox.namespaces,
            nice=rendering.sandbox.nice,
        )

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> VisualReward:
        """Build a reward from a trainer's options, flat or nested.

        Raises:
            ConfigError: An option is unknown or has a value that cannot work.

        Example:
            >>> VisualReward.from_options({"encoder": "embedded", "limits": {"cpu_seconds": 5}})  # doctest: +SKIP
        """
        return cls(**options)

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does, and wait for it."""
        return self._pool.render(code, language)

    def score(
        self, requests: Sequence[RewardRequest], progress: Callable[[RewardResult], object] | None = None
    ) -> list[RewardResult]:
        """Scores a batch and returns the results in the order of the requests.

        Args:
            requests: What to score. A bad one gets a status and changes nothing for the others.
            progress: Called with each result as it finishes.
        """
        results: dict[int, RewardResult] = {}
        for index, result in self.stream(requests):
            results[index] = result
            if progress is not None:
                progress(result)
        return [results[index] for index in range(len(requests))]

    def stream(self, requests: Iterable[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yields ``(index, result)`` as requests finish, so that nobody waits for the slowest code.

        Requests are taken a few at a time, so that there may be any number of them.
        """
        done: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        waiting = iter(enumerate(requests))
        futures: set[Future[Render]] = set()
        under_way = 0
        exhausted = False
        try:
            while True:
                while not exhausted and under_way < self._pool.workers + _WINDOW:
                    entry = next(waiting, None)
                    if entry is None:
                        exhausted = True
                        break
                    future = self._begin(*entry, done)
                    if future is not None:
                        futures.add(future)
                        future.add_done_callback(futures.discard)
                    under_way += 1
                if under_way == 0:
                    return
                jobs = self._collect(done)
                under_way -= len(jobs)
                yield from self._finish(jobs)
        finally:
            for future in list(futures):
                future.cancel()

    def totals(self) -> Totals:
        """Return what this reward has done since it was made."""
        with self._counts_lock:
            statuses = {status.value: count for status, count in self.counts.items()}
        return Totals(statuses, self.similarity.misses, self.similarity.hits, self.similarity.tiles)

    def close(self) -> None:
        """End every worker. May be called twice."""
        self._pool.close()

    def __enter__(self) -> VisualReward:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Stages

    def _begin(self, index: int, request: RewardRequest, done: queue.SimpleQueue[_Job]) -> Future[Render] | None:
        """Aligns, applies the guard on the text, and queues the render; the job arrives in ``done``."""
        started = time.perf_counter()
        job = _Job(index, request, self._align(request), started, dict.fromkeys(STAGES, 0.0))
        job.status, job.message = job.alignment.status, job.alignment.message
        code = job.alignment.code
        try:
            job.key = target_key(request.target)
        except TargetError as error:
            job.status, job.message = Status.BAD_TARGET, str(error)
        if code is not None and job.status is Status.OK and "raster" in self.guards:
            reason = smuggled_raster(code, job.alignment.language)
            if reason is not None:
                job.status, job.message = Status.RASTER, reason
        job.seconds["align"] = time.perf_counter() - started
        if code is None or job.status is not Status.OK:
            done.put(job)
            return None
        future = self._pool.submit(code, job.alignment.language)
        future.add_done_callback(lambda finished: done.put(self._arrive(job, finished)))
        return future

    def _align(self, request: RewardRequest) -> Alignment:
        try:
            return align(request.response, request.language, request.prompt, self._require_fence)
        except ConfigError as error:  # an unknown language spoils its own request only
            return Alignment(str(request.language), Status.BAD_REQUEST, None, str(error))

    def _arrive(self, job: _Job, future: Future[Render]) -> _Job:
        """Prepares a finished render; whatever goes wrong, the job arrives and nobody waits for ever."""
        try:
            return self._prepare(job, future)
        except Exception as error:  # noqa: BLE001 - a fault of ours must reach the caller as one
            job.status, job.message = Status.INFRASTRUCTURE, f"{type(error).__name__}: {error}"
            job.render = job.prepared = None
            return job

    def _prepare(self, job: _Job, future: Future[Render]) -> _Job:
        """Checks the picture and cuts it into tiles; runs in the thread that rendered."""
        if future.cancelled():
            job.status, job.message = Status.INFRASTRUCTURE, "the reward was closed before this was rendered"
            return job
        render = future.result()
        job.seconds["render"] = render.seconds
        job.status, job.message, job.render = render.status, render.message, render.image
        if render.image is None:
            return job
        started = time.perf_counter()
        try:
            target, blank = self._targets.open(job.key, job.request.target)
        except TargetError as error:
            job.status, job.message = Status.BAD_TARGET, str(error)
            return job
        if "blank" in self.guards and not blank and is_blank(render.image):
            job.status, job.message = Status.BLANK, "the picture is a single colour and the target is not"
            return job
        job.prepared = self.similarity.prepare(target, render.image, job.key)
        job.seconds["prepare"] = time.perf_counter() - started
        return job

    def _collect(self, done: queue.SimpleQueue[_Job]) -> list[_Job]:
        """Waits for one finished job and takes along what else is ready, up to one batch of tiles."""
        jobs = [done.get()]
        tiles = _tile_count(jobs[0])
        while tiles < self._batch_tiles:
            try:
                job = done.get_nowait()
            except queue.Empty:
                break
            jobs.append(job)
            tiles += _tile_count(job)
        return jobs

    def _finish(self, jobs: Sequence[_Job]) -> Iterator[tuple[int, RewardResult]]:
        compared = [job for job in jobs if job.prepared is not None]
        started = time.perf_counter()
        comparisons = self.similarity.compare([job.prepared for job in compared if job.prepared is not None])
        share = (time.perf_counter() - started) / max(1, len(compared))
        by_index = {job.index: comparison for job, comparison in zip(compared, comparisons, strict=True)}
        for job in jobs:
            if job.index in by_index:
                job.seconds["embed"] = share
            job.seconds["total"] = time.perf_counter() - job.started
            with self._counts_lock:
                self.counts[job.status] += 1
            yield job.index, self._result(job, by_index.get(job.index))

    def _result(self, job: _Job, comparison: Comparison | None) -> RewardResult:
        visual = comparison.visual(self.coarse_weight) if comparison else 0.0
        alignment = job.alignment.score
        return RewardResult(
            overall=(1 - self.alignment_weight) * visual + self.alignment_weight * alignment,
            visual=visual,
            coarse=comparison.coarse if comparison else 0.0,
            fine=comparison.fine if comparison else 0.0,
            alignment=alignment,
            execution=float(job.render is not None),
            status=job.status,
            message=job.message,
            language=job.alignment.language,
            code=job.alignment.code,
            render=job.render if self._keep_renders else None,
            grid=comparison.grid if comparison else None,
            tiles=comparison.tiles if comparison else (),
            encoder=self.encoder,
            preset=self.preset,
            seconds=job.seconds,
            id=job.request.id,
        )


class _Targets:
    """Keeps the latest targets open: a group of responses shares one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[Image.Image, bool]] = OrderedDict()

    def open(self, key: str, target: TargetLike) -> tuple[Image.Image, bool]:
        """Returns the picture, and whether it is blank.

        Args:
            key: The target's ``target_key``.
            target: The target.
        """
        with self._lock:
            found = self._open.get(key)
            if found is not None:
                self._open.move_to_end(key)
                return found
        image = open_target(target)
        found = (image, is_blank(image))
        with self._lock:
            self._open[key] = found
            while len(self._open) > _OPEN_TARGETS:
                self._open.popitem(last=False)
        return found


def _tile_count(job: _Job) -> int:
    return len(job.prepared.render) if job.prepared is not None else 0


def _encoder_options(config: EncoderConfig) -> tuple[str, str | None, str | None, int]:
    return config.name, config.device, config.dtype, config.batch_tiles


VisualReward.__init__.__signature__ = signature(  # type: ignore[attr-defined]
    RewardConfig, *list(inspect.signature(VisualReward.__init__).parameters.values())[:2]
)
