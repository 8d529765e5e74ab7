"""Many questions to an endpoint at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

HOPELESS = 8
"""Failures without an answer in between after which nothing more is asked."""


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
