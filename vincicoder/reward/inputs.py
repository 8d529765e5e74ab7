"""What components are given: values of the sample, and values that are computed once per target."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from vincicoder.alignment import align
from vincicoder.guards import is_blank
from vincicoder.images import TargetLike, open_target

if TYPE_CHECKING:
    from PIL import Image

_OPEN_TARGETS = 64
_KEPT = 256
"""Values per target that are kept, of all kinds together."""


class OpenTargets:
    """Keeps the latest targets open: a group of responses shares one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[Image.Image, bool]] = OrderedDict()

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
            self._open[key] = found
            while len(self._open) > _OPEN_TARGETS:
                self._open.popitem(last=False)
        return found


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
        try:
            made = make()
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            self._forget(kind, key, error, future)
            return future
        made.add_done_callback(functools.partial(self._settle, kind, key, future))
        return future

    def _settle(self, kind: str, key: str, future: Future[Any], made: Future[Any]) -> None:
        error = made.exception()
        if error is None:
            future.set_result(made.result())
        else:
            self._forget(kind, key, error, future)

    def _forget(self, kind: str, key: str, error: BaseException, future: Future[Any]) -> None:
        with self._lock:
            self._futures.pop((kind, key), None)
        future.set_exception(error)


def gather(futures: Mapping[str, Future[Any]]) -> Future[dict[str, Any]]:
    """Return a future of all results by name, or of the first error."""
    gathered: Future[dict[str, Any]] = Future()
    left = set(futures)
    lock = threading.Lock()

    def arrived(name: str, future: Future[Any]) -> None:
        error = future.exception()
        with lock:
            left.discard(name)
            last = not left
            if gathered.done() or (error is None and not last):
                return
            if error is not None:
                gathered.set_exception(error)
            else:
                gathered.set_result({each: done.result() for each, done in futures.items()})

    if not futures:
        gathered.set_result({})
    for name, future in futures.items():
        future.add_done_callback(functools.partial(arrived, name))
    return gathered


def reference_code(reference: str, language: str) -> str:
    """Return the code of a reference, which may be bare or stand in a fence."""
    return align(reference, language, require_fence=False).code or reference
