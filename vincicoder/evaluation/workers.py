"""Worker processes that measure samples, so that metrics use all CPUs and hold up nobody.

A worker asks the process that started it for whatever runs code, which is confined there, and for networks, whose
weights are loaded once and not in every worker.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from vincicoder.errors import MachineFault
from vincicoder.evaluation.benchmark import Sample
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.measuring import Plan, SampleMeasurer
from vincicoder.evaluation.predictions import Prediction
from vincicoder.rendering import Render
from vincicoder.reward.worker_process import Line, WorkerProcess, served
from vincicoder.status import Status

Job = tuple[Sample, Sequence[Prediction]]
Row = dict[str, Any]

_SILENCE = 600.0
"""Seconds without a word from a worker after which it is given up; metrics take a few at most."""

_TRIES = 2


class MeasuringWorkers:
    """Measures samples in worker processes, which are started when they are first needed.

    Args:
        plan: How.
        count: Processes at most.
        nice: Their niceness.
        render: Renders code in the sandbox; called from several threads.

    Example:
        >>> with RenderPool() as pool:  # doctest: +SKIP
        ...     workers = MeasuringWorkers(plan, pool.workers, 5, pool.render)
        ...     rows = list(workers.rows([(sample, [Prediction(sample.id, "...")])]))
    """

    def __init__(self, plan: Plan, count: int, nice: int, render: Callable[[str, str], Render]) -> None:
        self._plan, self._count, self._nice, self._render = plan, count, nice, render
        self._local = threading.local()
        self._workers: list[WorkerProcess] = []
        self._lock = threading.Lock()
        self._weights = threading.Lock()
        self._ended = False

    def rows(self, jobs: Iterable[Job]) -> Iterator[Row]:
        """Yield the rows of all predictions as they come; jobs are taken a few at a time."""
        found: queue.SimpleQueue[Row | BaseException | None] = queue.SimpleQueue()
        threads = ThreadPoolExecutor(self._count, thread_name_prefix="vincicoder-measure")
        under_way = 0
        waiting = iter(jobs)
        try:
            while True:
                while under_way < 2 * self._count and (job := next(waiting, None)) is not None:
                    threads.submit(self._measure, job, found)
                    under_way += 1
                if not under_way:
                    return
                each = found.get()
                if each is None:
                    under_way -= 1
                elif isinstance(each, BaseException):
                    raise each
                else:
                    yield each
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            with self._lock:
                self._ended = True
                for worker in self._workers:
                    worker.end()
            threads.shutdown(wait=True)

    def _measure(self, job: Job, found: queue.SimpleQueue[Row | BaseException | None]) -> None:
        """Measure a sample; a worker that dies is replaced, and the sample's other predictions are measured anew."""
        sample, predictions = job
        reason = ""
        try:
            for _ in range(_TRIES):
                worker = getattr(self._local, "worker", None) or self._start()
                try:
                    worker.line.send((self._plan, sample, predictions))
                    while (row := self._next_row(worker)) is not None:
                        predictions = predictions[1:]
                        found.put(row)
                    return
                except (EOFError, OSError, TimeoutError) as error:
                    self._end(worker)
                    if self._ended:  # it was ended because nobody waits any more
                        return
                    reason = f"{type(error).__name__} {error}".strip()
            for each in predictions:
                found.put(_lost(each, f"the process that measured it ended twice ({reason})"))
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            found.put(error)
        finally:
            found.put(None)

    def _next_row(self, worker: WorkerProcess) -> Row | None:
        """Return the next row of a worker, having done what it asks for, or None when there is no more."""
        while True:
            kind, content = worker.line.receive(_SILENCE)
            if kind == "row":
                row: Row = content
                return row
            if kind == "done":
                return None
            if kind == "run":
                worker.line.send(_fields_of(self._render(*content)))
            else:
                worker.line.send(self._network(*content))

    def _network(self, function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[bool, Any]:
        """Call a function that holds weights, one call at a time."""
        try:
            with self._weights:
                return True, function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it raises is the sample's machine fault
            return False, f"{function.__name__} failed: {type(error).__name__}: {error}"

    def _start(self) -> WorkerProcess:
        worker = self._local.worker = WorkerProcess(__name__, self._nice)
        with self._lock:
            self._workers.append(worker)
        return worker

    def _end(self, worker: WorkerProcess) -> None:
        self._local.worker = None
        with self._lock:
            self._workers.remove(worker)
        worker.end()


def _lost(prediction: Prediction, message: str) -> Row:
    return {
        "id": prediction.id,
        "number": prediction.number,
        "status": Status.INFRASTRUCTURE.value,
        "message": message,
        "code": "",
        "values": None,
        "cpu_seconds": {"render": 0.0, "measure": 0.0, "gold": 0.0},
    }


def _fields_of(render: Render) -> dict[str, Any]:
    """Return a render's fields, its image as it is: pickling the render would compress it, which takes longer."""
    return {each.name: getattr(render, each.name) for each in dataclasses.fields(render)}


def _work(line: Line) -> None:
    def run(code: str, language: str) -> Render:
        line.send(("run", (code, language)))
        return Render(**line.receive())

    def network(function: Callable[..., Any], *arguments: Any) -> Any:
        line.send(("network", (function, arguments)))
        worked, answer = line.receive()
        if not worked:
            raise MachineFault(answer)
        return answer

    with contextlib.suppress(EOFError, BrokenPipeError):  # whoever asked is gone
        while True:
            plan, sample, predictions = line.receive()
            for row in SampleMeasurer(BENCHMARKS.get(plan.benchmark), plan, sample, run, network).rows(predictions):
                line.send(("row", row))
            line.send(("done", None))


if __name__ == "__main__":
    _work(served())
