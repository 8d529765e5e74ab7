"""Samples that a trainer hands over one by one, scored in batches."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from vincicoder.trainers.metrics import Metrics
from vincicoder.trainers.reward import TrainerReward, shared_reward
from vincicoder.trainers.rows import request_from

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest


async def score_sample(
    response: str,
    sources: Sequence[Mapping[str, Any]],
    how: str,
    *,
    image_dir: str | None = None,
    batch_size: int = 64,
    window_ms: float = 20.0,
    **options: Any,
) -> Metrics:
    """Score a sample together with others that wait at the same time in this process; return with its own result.

    Args:
        response: What the model wrote.
        sources: Where to look for target, language and prompt; see ``request_from``.
        how: See ``TrainerReward``.
        image_dir: Folder that relative paths of targets start from.
        batch_size: Most samples scored as one batch; at least 1.
        window_ms: How long the first sample of a batch waits for others, in milliseconds.
        options: Options of ``VisualReward`` and, in a Ray job, of ``cluster.Placement``.

    Returns:
        The sample's metrics.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        TargetError: None of the first rows has a target that can be read.
        RendererUnavailable: This machine, not the model, failed too often; see ``TrainerReward``.
    """
    request = request_from(response, sources, image_dir=image_dir)
    reward = shared_reward(options, how, own=("image_dir", "batch_size", "window_ms"), one_by_one=True)
    return await asyncio.wrap_future(_batcher(reward, batch_size, window_ms / 1000).submit(request))


class _Batcher:
    """Scores requests that arrive one by one, from any thread, in batches.

    A few threads take turns: while some batches are being scored the next one gathers, so that a slow
    sample holds up nobody. When all threads are busy, what waits grows into a larger batch.
    """

    _THREADS = 4

    def __init__(self, reward: TrainerReward, size: int, window: float) -> None:
        self._reward = reward
        self._size = size
        self._window = window
        self._waiting: deque[tuple[RewardRequest, Future[Metrics], float]] = deque()
        self._changed = threading.Condition()
        for number in range(self._THREADS):
            threading.Thread(target=self._work, name=f"vincicoder-batch-{number}", daemon=True).start()

    def submit(self, request: RewardRequest) -> Future[Metrics]:
        """Queue a request; the future gets its metrics, or whatever scoring it raised."""
        future: Future[Metrics] = Future()
        with self._changed:
            self._waiting.append((request, future, time.monotonic() + self._window))
            self._changed.notify()
        return future

    def _work(self) -> None:
        while True:
            requests, futures = self._take()
            try:
                for index, metrics in self._reward.stream(requests):
                    futures[index].set_result(metrics)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the callers must hear of it
                for future in futures:
                    if not future.done():
                        future.set_exception(error)

    def _take(self) -> tuple[list[RewardRequest], list[Future[Metrics]]]:
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


_batchers: dict[tuple[int, int, float], _Batcher] = {}
_batchers_lock = threading.Lock()


def _batcher(reward: TrainerReward, size: int, window: float) -> _Batcher:
    with _batchers_lock:
        key = (id(reward), size, window)
        if key not in _batchers:
            _batchers[key] = _Batcher(reward, max(1, size), window)
        return _batchers[key]
