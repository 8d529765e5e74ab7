"""The pixel stage: worker processes of this node that run components on images.

Never the trainer's process, whose time is precious, nor a child that ran generated code. A worker is this file in a
process of its own; it loads a component when it is first asked for it.
"""

from __future__ import annotations

import functools
import json
import pickle
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from vincicoder.errors import MachineFault
from vincicoder.reward.components import Component, chosen, load_component
from vincicoder.reward.worker_process import Line, WorkerProcess, served

_DEADLINE = 60.0
"""Seconds that one component may take for one sample."""

_Call = tuple[Component, str, Mapping[str, Any]]


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
        return self.submit_all([(component, part, inputs)])[0]

    def submit_all(self, calls: Sequence[_Call]) -> list[Future[Any]]:
        """Run several of them in one worker, to which an image that they share goes once.

        Args:
            calls: The component, the part and the inputs of each, as for `submit`.
        """
        futures: list[Future[Any]] = [Future() for _ in calls]
        run = self._threads.submit(self._run, calls, futures)
        run.add_done_callback(functools.partial(_abandon, futures))
        return futures

    def close(self) -> None:
        """End all workers."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()
        self._threads.shutdown(wait=True)

    def _run(self, calls: Sequence[_Call], futures: Sequence[Future[Any]]) -> None:
        try:
            answers = self._ask(calls)
        except (EOFError, OSError, TimeoutError):  # one of them ended the worker, and each gets one of its own
            answers = [self._ask_again(call) for call in calls]
        for (component, _, _), future, (worked, answer) in zip(calls, futures, answers, strict=True):
            if worked:
                future.set_result(answer)
            else:
                future.set_exception(MachineFault(f"component {component.name!r}{answer}"))

    def _ask_again(self, call: _Call) -> tuple[bool, Any]:
        try:
            return self._ask([call])[0]
        except (EOFError, OSError, TimeoutError) as error:
            reason = f"{type(error).__name__} {error}".strip()
            return False, f": its worker process ended twice ({reason})"

    def _ask(self, calls: Sequence[_Call]) -> list[tuple[bool, Any]]:
        """Return for each call whether it worked, and what it returned or why it did not.

        Raises:
            EOFError, OSError, TimeoutError: The worker ended, or was ended because it took too long.
        """
        worker = getattr(self._local, "worker", None)
        if worker is None:
            worker = self._local.worker = self._start()
        try:
            worker.line.send([(each.name, dict(each.options), part, dict(given)) for each, part, given in calls])
            return [pickle.loads(answer) for answer in worker.line.receive(_DEADLINE * len(calls))]
        except (EOFError, OSError, TimeoutError):
            self._end(worker)
            raise

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


def _abandon(futures: Sequence[Future[Any]], run: Future[None]) -> None:
    """Let nobody wait for what was not run: the workers were closed, or something of ours failed."""
    reason = "the workers were closed" if run.cancelled() else run.exception()
    for future in futures:
        if not future.done():
            future.set_exception(MachineFault(f"the pixel stage could not run this: {reason}"))


def _work(line: Line) -> None:
    loaded: dict[str, Component] = {}
    while True:
        try:
            jobs = line.receive()
        except EOFError:  # whoever asked is gone
            return
        line.send([_answered(loaded, *job) for job in jobs])


def _answered(loaded: dict[str, Component], name: str, options: dict[str, Any], part: str, inputs: Any) -> bytes:
    """Return, pickled, whether a call worked, and what it returned or why it did not."""
    try:
        key = json.dumps([name, options], sort_keys=True, default=repr)
        if key not in loaded:
            loaded[key] = load_component(name, options)
        function: Any = getattr(loaded[key], part)
        return pickle.dumps((True, function(**chosen(function, inputs))))
    except Exception as error:  # noqa: BLE001 - whatever a component raises, or cannot be pickled, is a machine fault
        return pickle.dumps((False, f" failed: {type(error).__name__}: {error}"))


if __name__ == "__main__":
    _work(served())
