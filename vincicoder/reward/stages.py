"""The encoder stage and the endpoint stage, each shared by all streams of a process."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from vincicoder.similarity import Comparison, Prepared, Similarity


class EncoderStage:
    """Compare prepared samples in batches: what waits at the same time goes through the encoder together.

    Args:
        similarity: What compares.
        batch_tiles: Tiles after which a batch is full.
        threads: Batches under way at a time; more than one only helps where the encoder is in another process.
    """

    def __init__(self, similarity: Similarity, batch_tiles: int, threads: int = 1) -> None:
        self._similarity = similarity
        self._batch_tiles = batch_tiles
        self._waiting: queue.SimpleQueue[tuple[Prepared, Future[tuple[Comparison, float]]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name="vincicoder-encoder", daemon=True) for _ in range(threads)
        ]
        self._started = False
        self._lock = threading.Lock()
        self._calls = ThreadPoolExecutor(threads, thread_name_prefix="vincicoder-encoder")

    def submit(self, prepared: Prepared) -> Future[tuple[Comparison, float]]:
        """Compare a sample; the future gets the comparison and the sample's share of its batch's seconds."""
        with self._lock:
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()
        future: Future[tuple[Comparison, float]] = Future()
        self._waiting.put((prepared, future))
        return future

    def call(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run something else that asks the encoder, beside the batches."""
        return self._calls.submit(function, *arguments)

    def close(self) -> None:
        """Let the threads end after what is queued."""
        self._calls.shutdown(wait=False)
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            tiles = len(first[0].render)
            ended = False
            while tiles < self._batch_tiles and not ended:
                try:
                    entry = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if entry is None:
                    ended = True
                else:
                    batch.append(entry)
                    tiles += len(entry[0].render)
            self._compare(batch)
            if ended:
                return

    def _compare(self, batch: Sequence[tuple[Prepared, Future[tuple[Comparison, float]]]]) -> None:
        started = time.perf_counter()
        try:
            comparisons = self._similarity.compare([prepared for prepared, _ in batch])
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            for _, future in batch:
                future.set_exception(error)
            return
        share = (time.perf_counter() - started) / len(batch)
        for (_, future), comparison in zip(batch, comparisons, strict=True):
            future.set_result((comparison, share))


class EndpointStage:
    """Run components that ask an endpoint, in one event loop with one limit on what is under way.

    Args:
        limit: Calls under way at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room: asyncio.Semaphore | None = None
        self._lock = threading.Lock()

    def submit(self, measure: Callable[..., Coroutine[Any, Any, float]], inputs: Mapping[str, Any]) -> Future[float]:
        """Run a coroutine function with these inputs."""
        return asyncio.run_coroutine_threadsafe(self._call(measure, inputs), self._running())

    def close(self) -> None:
        """Stop the loop; calls that are under way are cancelled."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(_cancel_all, loop)

    async def _call(self, measure: Callable[..., Coroutine[Any, Any, float]], inputs: Mapping[str, Any]) -> float:
        assert self._room is not None
        async with self._room:
            return await measure(**inputs)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._room = asyncio.Semaphore(self._limit)
                threading.Thread(target=self._loop.run_forever, name="vincicoder-endpoint", daemon=True).start()
            return self._loop


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_soon(loop.stop)
