"""The VinciCoder reward for verl 0.9 and later, named by ``reward.custom_reward_function.path``.

verl calls :func:`compute_score` once per sample, from several reward workers, while rollouts go on. Calls
that wait at the same time in one process are scored together, and each returns as soon as its own sample is
done. verl passes no pictures to a reward function, so the data must carry the target in ``extra_info``
(``target``, ``language``) or in ``reward_model.ground_truth`` (JSON text or a struct with the same names).

Options come from ``+reward.custom_reward_function.reward_kwargs.NAME=VALUE``: ``image_dir``, ``batch_size``,
``window_ms`` and every option of ``vincicoder.VisualReward``. Every one of verl's ``reward.num_workers``
processes has its own reward, with its own render workers, so one of them per node is enough.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import hosts

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

_HOW = (
    "Under verl give the picture as extra_info['target'], or as 'target' in reward_model.ground_truth "
    '(a struct, or JSON text such as {"target": "chart.png", "language": "python"}); relative paths need '
    "+reward.custom_reward_function.reward_kwargs.image_dir."
)


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    image_dir: str | None = None,
    batch_size: int = 64,
    window_ms: float = 20.0,
    reward_router_address: str | None = None,
    reward_model_tokenizer: object = None,
    **options: Any,
) -> dict[str, float]:
    """Score one response.

    Args:
        data_source: Not used; verl passes it.
        solution_str: The response.
        ground_truth: A mapping, or JSON text of one, with any of ``target``, ``language`` and ``code``; or
            only the target; or only the reference code.
        extra_info: Any of ``target``, ``language`` and ``prompt``; goes before ``ground_truth``.
        image_dir: Folder that relative paths of targets start from.
        batch_size: Most samples scored as one batch; at least 1.
        window_ms: How long the first sample of a batch waits for others, in milliseconds.
        reward_router_address: Not used; verl passes it when a reward model runs too.
        reward_model_tokenizer: Not used; as above.
        options: Options of ``vincicoder.VisualReward``.

    Returns:
        ``score``, which is ``overall``, and the keys of ``vincicoder.hosts.metrics_of``, the same for every
        sample.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        TargetError: None of the first rows has a target that can be read.
        RendererUnavailable: This machine, not the model, failed too often; see
            ``vincicoder.hosts.HostReward``.
    """
    sources = (extra_info or {}, hosts.answer_fields(ground_truth))
    request = hosts.request_from(solution_str, sources, image_dir=image_dir)
    reward = hosts.shared_reward(options, _HOW, own=("image_dir", "batch_size", "window_ms"), one_by_one=True)
    metrics = await asyncio.wrap_future(_batcher(reward, batch_size, window_ms / 1000).submit(request))
    return {"score": metrics["overall"], **metrics}


class _Batcher:
    """Scores requests that arrive one by one, from any thread, in batches.

    A few threads take turns: while some batches are being scored the next one gathers, so that a slow
    sample holds up nobody. When all threads are busy, what waits grows into a larger batch.
    """

    _THREADS = 4

    def __init__(self, reward: hosts.HostReward, size: int, window: float) -> None:
        self._reward = reward
        self._size = size
        self._window = window
        self._waiting: deque[tuple[RewardRequest, Future[hosts.Metrics], float]] = deque()
        self._changed = threading.Condition()
        for number in range(self._THREADS):
            threading.Thread(target=self._work, name=f"vincicoder-batch-{number}", daemon=True).start()

    def submit(self, request: RewardRequest) -> Future[hosts.Metrics]:
        """Queue a request; the future gets its metrics, or whatever scoring it raised."""
        future: Future[hosts.Metrics] = Future()
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

    def _take(self) -> tuple[list[RewardRequest], list[Future[hosts.Metrics]]]:
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


def _batcher(reward: hosts.HostReward, size: int, window: float) -> _Batcher:
    with _batchers_lock:
        key = (id(reward), size, window)
        if key not in _batchers:
            _batchers[key] = _Batcher(reward, max(1, size), window)
        return _batchers[key]
