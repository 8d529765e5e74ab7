"""What components are given: values of the sample, and values that are computed once per target."""

from __future__ import annotations

import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from vincicoder.guards import is_blank
from vincicoder.images import TargetLike, open_target

if TYPE_CHECKING:
    from PIL import Image

_OPEN_BYTES = 256_000_000
"""Bytes of open targets that are kept, as RGB; the latest is kept whatever it takes."""
_KEPT = 256
"""Values per target that are kept, of all kinds together."""


class OpenTargets:
    """Keep the latest targets open: a group of responses shares one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[Image.Image, bool]] = OrderedDict()
        self._bytes = 0

    def open(self, key: str, target: TargetLike) -> tuple[Image.Image, bool]:
        """Return the target as an RGB image, and whether it is blank.

        Args:
            key: The target's ``target_key``.
            target: The target.

        Raises:
            TargetError: It cannot be read.
        """
        with self._lock:
            found = self._open.get(key)
            if found is not None:
                self._open.move_to_end(key)
                return found
        image = open_target(target)
        found = (image, is_blank(image))
        with self._lock:
            if key in self._open:  # another thread was faster
                return self._open[key]
            self._open[key] = found
            self._bytes += _bytes(image)
            while self._bytes > _OPEN_BYTES and len(self._open) > 1:
                _, (dropped, _) = self._open.popitem(last=False)
                self._bytes -= _bytes(dropped)
        return found


def _bytes(image: Image.Image) -> int:
    return image.width * image.height * len(image.getbands())


class PerTarget:
    """Futures of what is computed once per target, bounded; a failed one is forgotten. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: OrderedDict[tuple[str, str], Future[Any]] = OrderedDict()

    def get(self, kind: str, key: str, make: Callable[[], Future[Any]]) -> Future[Any]:
        """Return the future of this kind for this target; ``make`` starts it if there is none."""
        with self._lock:
            found = self._futures.get((kind, key))
            if found is not None:
                self._futures.move_to_end((kind, key))
                return found
            future = self._futures[kind, key] = Future()
            while len(self._futures) > _KEPT:
                self._futures.popitem(last=False)
        chained(finished(None), lambda _: make()).add_done_callback(functools.partial(self._settle, kind, key, future))
        return future

    def _settle(self, kind: str, key: str, future: Future[Any], made: Future[Any]) -> None:
        if made.cancelled() or made.exception() is not None:
            with self._lock:
                self._futures.pop((kind, key), None)
        hand_over(future, made)


def gather(futures: Mapping[str, Future[Any]]) -> Future[dict[str, Any]]:
    """Return a future of all results by name, or of an error, when all of them are done."""
    return copied(settled(futures), lambda done: {name: future.result() for name, future in done.items()})


def settled(futures: Mapping[str, Future[Any]]) -> Future[dict[str, Future[Any]]]:
    """Return a future of these same futures, which is done when all of them have a result or an error."""
    if all(future.done() for future in futures.values()):
        return finished(dict(futures))
    last: Future[dict[str, Future[Any]]] = Future()
    waiting = [(last, dict(futures))]  # until it is done: a future keeps what it has called, and so would keep itself
    left = len(futures)
    lock = threading.Lock()

    def arrived(_: Future[Any]) -> None:
        nonlocal left
        with lock:
            left -= 1
            done = left == 0
        if done:
            promised, kept = waiting.pop()
            promised.set_result(kept)

    for future in list(futures.values()):
        future.add_done_callback(arrived)
    return last


def failed(error: BaseException) -> Future[Any]:
    """Return a future that has failed."""
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def finished(value: Any) -> Future[Any]:
    """Return a future that has its result."""
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def copied(future: Future[Any], take: Callable[[Any], Any]) -> Future[Any]:
    """Return a future of what ``take`` makes of another one's result; it fails as that one does."""
    return chained(future, lambda result: finished(take(result)))


def chained(first: Future[Any], then: Callable[[Any], Future[Any]]) -> Future[Any]:
    """Return a future of what ``then``, called with the result of the first, promises; it fails where they do.

    Cancelling it cancels what ``then`` promised.
    """
    if first.done():
        return _promised(first, then)
    last: Future[Any] = Future()

    def arrived(done: Future[Any]) -> None:
        promised = _promised(done, then)
        promised.add_done_callback(functools.partial(hand_over, last))
        known = weakref.ref(promised)  # whoever will keep the promise has it; it has this one
        last.add_done_callback(lambda last: last.cancelled() and (found := known()) and found.cancel())

    first.add_done_callback(arrived)
    return last


def _promised(done: Future[Any], then: Callable[[Any], Future[Any]]) -> Future[Any]:
    """Return what ``then`` promises of a future that is done, or a future that has failed."""
    try:
        return then(done.result())
    except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
        return failed(error)


def hand_over(future: Future[Any], done: Future[Any]) -> None:
    """Give a future the outcome of another one, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = done.result()
    except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
        future.set_exception(error)
    else:
        future.set_result(result)
