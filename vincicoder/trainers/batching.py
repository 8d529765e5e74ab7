"""Samples that a trainer passes one by one, scored in batches."""

from __future__ import annotations

import asyncio
import functools
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from vincicoder.errors import ConfigError
from vincicoder.trainers.metrics import Metrics
from vincicoder.trainers.reward import TrainerReward
from vincicoder.trainers.rows import Sources, request_from
from vincicoder.trainers.shared import shared_reward
from vincicoder.trainers.truncation import ZERO, Truncation
from vincicoder.trainers.turns import checked_turns, episode_metrics, requests_of_turns
from vincicoder.trainers.validation import benchmark_metrics, benchmark_names

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest, RewardResult


Keep = list[tuple["RewardRequest", "RewardResult | None"]] | None
"""Gets requests with their results, which are None if the data or the machine spoilt them."""

Judged = tuple[Metrics, "RewardResult | None"]


class SampleScorer(Protocol):
    """Returns the metrics of a sample, always with the same keys.

    The value is None where a benchmark's metric is none of the sample's.
    """

    async def __call__(
        self, response: str, sources: Sources, earlier: Sequence[str] = (), keep: Keep = None
    ) -> dict[str, Any]:
        """Score a response.

        Args:
            response: What the model wrote, in an episode of turns in the last one.
            sources: Where the parts of the row may be; see ``request_from``.
            earlier: What it wrote in the turns before.
            keep: Gets the request, and its result if it could be judged.
        """


_OWN = ("image_dir", "benchmarks", "batch_size", "window_ms", "truncated", "max_response", "soft_tokens")


def sample_scorer(
    target_hint: str,
    *,
    group_size: int | None = None,
    image_dir: str | None = None,
    benchmarks: str | Sequence[str] = (),
    batch_size: int = 64,
    window_ms: float = 20.0,
    truncated: str = ZERO,
    max_response: int | None = None,
    soft_tokens: int | None = None,
    turns: int = 1,
    takes_prefixes: bool = False,
    **options: Any,
) -> SampleScorer:
    """Return what scores a sample together with others that wait at the same time in this process.

    Args:
        target_hint: See ``TrainerReward``.
        group_size: Responses per prompt, where the trainer says it.
        image_dir: Directory that relative paths of targets start from.
        benchmarks: Names of benchmarks: rows that ``vincicoder eval export`` wrote of them are measured by the
            benchmark's own metrics as well.
        batch_size: Most samples scored as one batch; at least 1.
        window_ms: How long the first sample of a batch waits for others, in milliseconds; 0 or more.
        truncated: See ``Truncation.rule``. "mask" and "soft" need a source with ``response_length``.
        max_response: See ``Truncation``.
        soft_tokens: See ``Truncation``.
        turns: Turns that an episode may have; see ``vincicoder.trainers.turns``.
        takes_prefixes: See ``shared_reward``.
        options: Options of ``VisualReward`` and, in a Ray job, of ``cluster.Placement``.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work; from the scorer, no row so far says its
            language.
        TargetError: From the scorer: none of the first rows has a target that can be read.
        ScoringUnavailable: From the scorer: this machine, not the model, failed too often; see ``TrainerReward``.

    Example:
        >>> score = sample_scorer("Give it as 'target'.", encoder="embedded")
        >>> metrics = asyncio.run(score("no code", [{"target": "a.png", "language": "svg"}]))  # doctest: +SKIP
    """
    benchmarks = benchmark_names(benchmarks)
    reward = shared_reward(
        *(options, target_hint, _OWN, True),
        group_size=group_size,
        benchmarks=benchmarks,
        truncation=_truncation(turns, truncated, max_response, soft_tokens),
        takes_prefixes=takes_prefixes,
    )
    absent: dict[str, Any] = dict.fromkeys(benchmark_metrics(benchmarks))
    batcher = _batcher(reward, int(_number("batch_size", batch_size, 1)), _number("window_ms", window_ms, 0) / 1000)

    async def score(response: str, sources: Sources, earlier: Sequence[str] = (), keep: Keep = None) -> dict[str, Any]:
        asked = requests_of_turns(request_from(response, sources, image_dir=image_dir), earlier)
        judged = await asyncio.gather(*(asyncio.wrap_future(batcher.submit(each)) for each in asked))
        (keep if keep is not None else []).append((asked[-1], judged[-1][1]))
        return absent | episode_metrics([metrics for metrics, _ in judged], turns, reward.noise)

    return score


def _truncation(turns: int, rule: str, max_response: int | None, soft_tokens: int | None) -> Truncation:
    if checked_turns(turns) > 1 and rule != ZERO:
        raise ConfigError(
            f"truncated is {rule!r}, but an episode has {turns} turns, whose rewards could not be compared then; "
            f"expected {ZERO!r}"
        )
    return Truncation(rule, max_response, soft_tokens)


def _number(name: str, value: Any, least: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number < math.inf:
        raise ConfigError(f"{name} is {value!r}; expected a number of at least {least:g}")
    return number


class _Batcher:
    """Score requests that arrive one by one, from any thread, in batches.

    A few threads take turns: while some batches are being scored the next one gathers, so that a slow
    sample holds up nobody. When all threads are busy, what waits grows into a larger batch. A sample that
    waits for its siblings keeps no thread.

    Args:
        reward: What scores.
        size: Most requests of a batch; at least 1.
        window: Seconds that the first request of a batch waits for others.
    """

    _THREADS = 4

    def __init__(self, reward: TrainerReward, size: int, window: float) -> None:
        self._reward = reward
        self._size = size
        self._window = window
        self._waiting: deque[tuple[RewardRequest, Future[Judged], float]] = deque()
        self._changed = threading.Condition()
        for number in range(self._THREADS):
            threading.Thread(target=self._work, name=f"vincicoder-batch-{number}", daemon=True).start()

    def submit(self, request: RewardRequest) -> Future[Judged]:
        """Queue a request; the future gets its metrics and its result, or whatever scoring it raised."""
        future: Future[Judged] = Future()
        with self._changed:
            self._waiting.append((request, future, time.monotonic() + self._window))
            self._changed.notify()
        return future

    def _work(self) -> None:
        while True:
            requests, futures = self._take()
            try:
                awaited: list[tuple[Future[Metrics], Future[Judged]]] = []
                results: dict[int, RewardResult] = {}
                for index, answer in self._reward.judge(requests, results=results):
                    if isinstance(answer, Future):
                        awaited.append((answer, futures[index]))
                    else:
                        futures[index].set_result((answer, results.pop(index, None)))
                for answer, future in awaited:
                    answer.add_done_callback(functools.partial(_copy, future))
            except BaseException as error:  # noqa: BLE001 - whatever it is, the callers must hear of it
                for future in futures:
                    if not future.done():
                        future.set_exception(error)

    def _take(self) -> tuple[list[RewardRequest], list[Future[Judged]]]:
        """Wait for the next batch: until it is full, or its first request's window is over."""
        with self._changed:
            while not self._is_ready():
                self._changed.wait(self._waiting[0][2] - time.monotonic() if self._waiting else None)
            taken = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
        # Leaves out who has given up; who gives up later cannot cancel, and is not listening.
        live = [(request, future) for request, future, _ in taken if future.set_running_or_notify_cancel()]
        return [request for request, _ in live], [future for _, future in live]

    def _is_ready(self) -> bool:
        if not self._waiting:
            return False
        return len(self._waiting) >= self._size or self._waiting[0][2] <= time.monotonic()


def _copy(future: Future[Judged], answer: Future[Metrics]) -> None:
    """Hand on the metrics of a sample whose stand-in was waited for; such a sample has no result of its own."""
    if error := answer.exception():
        future.set_exception(error)
    else:
        future.set_result((answer.result(), None))


_batchers: dict[tuple[int, int, float], _Batcher] = {}
_batchers_lock = threading.Lock()


def _batcher(reward: TrainerReward, size: int, window: float) -> _Batcher:
    key = (id(reward), size, window)
    with _batchers_lock:
        if key not in _batchers:
            _batchers[key] = _Batcher(reward, size, window)
        return _batchers[key]
