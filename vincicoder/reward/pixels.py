"""The pixel stage: worker processes of this node that run components on images.

Never the trainer's process, whose time is precious, nor a child that ran generated code. A worker is this file in a
process of its own; it loads a component when it is first asked for it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from vincicoder.errors import MachineFault
from vincicoder.reward.components import Component, chosen, load_component
from vincicoder.reward.worker_process import WorkerProcess, served

_DEADLINE = 60.0
"""Seconds that one component may take for one sample."""

_TRIES = 2


class PixelWorkers:
    """Run components in worker processes, which are started when they are first needed. Thread-safe.

    Args:
        count: Processes at most.
        nice: Their niceness.
    """

    def __init__(self, count: int, nice: int) -> None:
        self._nice = nice
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="vincicoder-pixels")
        self._local = threading.local()
        self._workers: list[WorkerProcess] = []
        self._lock = threading.Lock()

    def submit(self, component: Component, part: str, inputs: Mapping[str, Any]) -> Future[Any]:
        """Run ``measure`` or ``prepare`` of a component with the inputs that it names.

        Returns:
            What it returned; a `MachineFault` if it raised, took too long, or its process died twice.
        """
        return self._threads.submit(self._run, component, part, dict(inputs))

    def close(self) -> None:
        """End all workers."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()
        self._threads.shutdown(wait=True)

    def _run(self, component: Component, part: str, inputs: dict[str, Any]) -> Any:
        job = (component.name, dict(component.options), part, inputs)
        for _ in range(_TRIES):
            worker = getattr(self._local, "worker", None)
            if worker is None:
                worker = self._local.worker = self._start()
            try:
                worker.connection.send(job)
                worked, answer = worker.receive(_DEADLINE)
            except (EOFError, OSError, TimeoutError) as error:
                self._end(worker)
                reason = f"{type(error).__name__} {error}".strip()
                continue
            if not worked:
                raise MachineFault(f"component {component.name!r} failed: {answer}")
            return answer
        raise MachineFault(f"component {component.name!r}: its worker process ended twice ({reason})")

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(__name__, self._nice)
        with self._lock:
            self._workers.append(worker)
        return worker

    def _end(self, worker: WorkerProcess) -> None:
        self._local.worker = None
        with self._lock:
            if worker in self._workers:
                self._workers.remove(worker)
        worker.end()


def _work(connection: Connection[Any, Any]) -> None:
    loaded: dict[str, Component] = {}
    while True:
        try:
            name, options, part, inputs = connection.recv()
        except EOFError:  # whoever asked is gone
            return
        try:
            key = json.dumps([name, options], sort_keys=True, default=repr)
            if key not in loaded:
                loaded[key] = load_component(name, options)
            function: Any = getattr(loaded[key], part)
            answer = True, function(**chosen(function, inputs))
        except Exception as error:  # noqa: BLE001 - whatever a component raises is the sample's machine fault
            answer = False, f"{type(error).__name__}: {error}"
        try:
            connection.send(answer)
        except Exception as error:  # noqa: BLE001 - what it returned cannot be pickled
            connection.send((False, f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    _work(served())
