"""Many questions to an endpoint at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from vincicoder.errors import EndpointError

S = TypeVar("S")
T = TypeVar("T")

_HOPELESS = 8
"""Failures without an answer in between after which nothing more is asked."""


class Tally:
    """Counts what is answered and what fails, and gives up where nothing works.

    Args:
        progress: Called for each item, with whether it was answered now.
        complain: Called with a sentence for each failure.

    Attributes:
        answers: How many items were answered, now or earlier.
        failures: How many were not.

    Example:
        >>> tally = Tally(progress=lambda fresh: None, complain=print)
        >>> tally.failed("a", "it is too long")
        sample a: it is too long
    """

    def __init__(self, progress: Callable[[bool], object], complain: Callable[[str], object]) -> None:
        self._progress, self._complain = progress, complain
        self.answers = self.failures = self._in_a_row = 0
        self._message = ""

    def answered(self, fresh: bool = True) -> None:
        """Count an answer; ``fresh``: not one of an earlier run."""
        self.answers += 1
        self._in_a_row = 0
        self._progress(fresh)

    def failed(self, name: str, message: str) -> None:
        """Count a failure.

        Raises:
            EndpointError: Too many came in a row.
        """
        self.failures, self._in_a_row, self._message = self.failures + 1, self._in_a_row + 1, message
        self._progress(False)
        self._complain(f"sample {name}: {message}")
        if self._in_a_row >= _HOPELESS:
            raise EndpointError(f"{self._in_a_row} questions in a row failed, the last one so: {message}")

    def end(self) -> int:
        """Return how many failures there were.

        Raises:
            EndpointError: There was nothing else.
        """
        if self.failures and not self.answers:
            raise EndpointError(f"none of {self.failures} questions was answered, the last one so: {self._message}")
        return self.failures


def in_threads(work: Callable[[S], T], items: Iterable[S], count: int) -> Iterator[T]:
    """Yield what a function returns for each item, as it comes; items are taken when there is room.

    Args:
        work: The function.
        items: What it is called with.
        count: Calls under way at a time.

    Example:
        >>> sorted(in_threads(lambda number: number * 2, [1, 2, 3], count=2))
        [2, 4, 6]
    """
    under_way: set[Future[T]] = set()
    threads = ThreadPoolExecutor(count, thread_name_prefix="vincicoder-ask")
    try:
        for item in items:
            under_way.add(threads.submit(work, item))
            if len(under_way) >= count:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
