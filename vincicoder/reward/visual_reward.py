"""The visual reward: align, render, compare, guard. Text and a target in, a number and its reasons out."""

from __future__ import annotations

import dataclasses
import inspect
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, cast

from vincicoder.options import from_flat, signature
from vincicoder.rendering import Render
from vincicoder.rendering.pool import RenderPool
from vincicoder.reward.combine import rewarded
from vincicoder.reward.config import RewardConfig
from vincicoder.reward.job import Job
from vincicoder.reward.result import PrefixScore, RewardRequest, RewardResult, Totals
from vincicoder.reward.stream import Pipeline
from vincicoder.similarity import Encoder, Similarity, load_encoder
from vincicoder.similarity.config import DEFAULT_ENCODER, EncoderConfig
from vincicoder.status import Status

_WINDOW = 32  # requests under way beyond the workers: enough to fill a GPU batch, few enough to bound memory
_SAMPLED = "0"  # first hexadecimal digit of the keys of every sixteenth target


class VisualReward:
    """Score responses by rendering them and comparing the images. Safe to use from several threads.

    Attributes:
        config: Its options.
        counts: Results so far, by status.
        encoder: Name of the encoder.
        similarity: What compares renders with targets.

    Args:
        encoder: ``"facebook/dinov2-large"`` or another DINOv2 by hub id or local directory, ``"timm:NAME"``, or
            ``"embedded"`` or ``"strokes"``, which need no weights; an ``EncoderConfig``; or an ``Encoder``.
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
        self.counts: Counter[Status] = Counter()
        self._counts_lock = threading.Lock()
        given = self.config.encoder
        if named:
            encoder = load_encoder(given.name, given.device, given.dtype, given.batch_tiles, given.compiled)
        self.similarity = Similarity(cast("Encoder", encoder), given.cache_targets)
        self.encoder = self.similarity.encoder.name
        self._pool = RenderPool.of(self.config.rendering)
        try:
            self._pipeline = Pipeline(self.config, self.similarity, self._pool)
        except BaseException:
            self._pool.close()
            raise

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> VisualReward:
        """Build a reward from a trainer's options, flat or nested.

        Args:
            options: Values by name, such as ``{"encoder": "embedded", "limits": {"cpu_seconds": 5}}``.

        Raises:
            ConfigError: An option is unknown or has a value that cannot work.

        Example:
            >>> VisualReward.from_options({"encoder": "embedded", "limits": {"cpu_seconds": 5}})  # doctest: +SKIP
        """
        return cls(**options)

    def score(
        self, requests: Sequence[RewardRequest], progress: Callable[[RewardResult], object] | None = None
    ) -> list[RewardResult]:
        """Score a batch and return the results in the order of the requests.

        Args:
            requests: What to score. A bad one gets a status and changes nothing for the others.
            progress: Is called with each result as it finishes.

        Raises:
            EncoderError: The encoder failed.

        Example:
            >>> [result] = reward.score([RewardRequest(response, "icon.png", language="svg")])  # doctest: +SKIP
            >>> result.overall, result.status.value  # doctest: +SKIP
            (0.97, 'ok')
        """
        results: dict[int, RewardResult] = {}
        for index, result in self.stream(requests):
            results[index] = result
            if progress is not None:
                progress(result)
        return [results[index] for index in range(len(requests))]

    def stream(self, requests: Iterable[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish, so that nobody waits for the slowest code.

        Args:
            requests: What to score. They are taken a few at a time, so that there may be any number of them.

        Raises:
            EncoderError: The encoder failed.

        Example:
            >>> for index, result in reward.stream(requests):  # doctest: +SKIP
            ...     print(index, result.overall)
        """
        done: queue.SimpleQueue[Job] = queue.SimpleQueue()
        waiting = iter(enumerate(requests))
        renders: set[Future[Render]] = set()
        under_way = 0
        exhausted = False
        try:
            while True:
                while not exhausted and under_way < self._pool.workers + _WINDOW:
                    entry = next(waiting, None)
                    if entry is None:
                        exhausted = True
                        break
                    future = self._pipeline.begin(*entry, done.put)
                    if future is not None:
                        renders.add(future)
                        future.add_done_callback(renders.discard)
                    under_way += 1
                if under_way == 0:
                    return
                job = done.get()
                under_way -= 1
                if job.error is not None:
                    raise job.error
                yield job.index, self._result(job)
        finally:
            for future in list(renders):
                future.cancel()

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does, and wait for it.

        Args:
            code: The code, without a fence.
            language: Name or alias of its language.

        Raises:
            ConfigError: The language is not known.

        Example:
            >>> reward.render("<svg/>", "svg").status.value  # doctest: +SKIP
            'ok'
        """
        return self._pool.render(code, language)

    def totals(self) -> Totals:
        """Return what was done since this was built."""
        with self._counts_lock:
            statuses = {status.value: count for status, count in self.counts.items()}
        similarity = self.similarity
        return Totals(statuses, embedded=similarity.misses, reused=similarity.hits, tiles=similarity.tiles)

    def close(self) -> None:
        """End every worker. May be called twice."""
        self._pool.close()
        self._pipeline.close()

    def __enter__(self) -> VisualReward:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _result(self, job: Job) -> RewardResult:
        job.seconds["total"] = time.perf_counter() - job.started
        result = rewarded(self._measured(job), self.config.scoring, job.request)
        with self._counts_lock:
            self.counts[result.status] += 1
        return result if self._keeps(job) else dataclasses.replace(result, render=None)

    def _measured(self, job: Job) -> RewardResult:
        """Return the result of a job before its scores are combined, with its render."""
        image = job.render.image if job.render is not None else None
        compared = job.comparison if job.status is Status.OK else None
        if compared is not None:
            scores = job.measured()
        else:
            measured = {"alignment": job.alignment.score, "execution": float(image is not None)}
            scores = {**measured, **{name: score and 0.0 for name, score in job.scores.items()}}
        known: dict[str, Any] = {
            "scores": scores,
            "language": job.alignment.language,
            "code": job.alignment.code,
            "render": image,
            "encoder": self.encoder,
            "seconds": job.seconds,
            "note": job.note,
        }
        if compared is None:
            return RewardResult.failed(job.request, job.status, job.message, **known)
        unweighed: dict[str, Any] = {"overall": 0.0, "visual": 0.0, "preset": "", "id": job.request.id}
        ends = sorted(end for end in job.prefixes if end < len(job.alignment.code or ""))
        prefixes = [PrefixScore(end, 0.0, job.prefixes[end]) for end in ends]
        if self.config.scoring.prefixes:
            prefixes.append(PrefixScore(len(job.alignment.code or ""), 0.0, scores))
        known |= {"grid": compared.grid, "tiles": compared.tiles, "prefixes": tuple(prefixes)}
        return RewardResult(status=job.status, message="", **unweighed, **known)

    def _keeps(self, job: Job) -> bool:
        keep = self.config.keep_renders
        return keep == "all" or (keep == "sample" and job.key.startswith(_SAMPLED))


VisualReward.__init__.__signature__ = signature(  # type: ignore[attr-defined]
    RewardConfig, *list(inspect.signature(VisualReward.__init__).parameters.values())[:2]
)
