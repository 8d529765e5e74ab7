"""Which samples of a benchmark are asked: all, or a subset that depends on ids and a seed only."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Sample


class Samples:
    """The samples of a benchmark, or some of them, in the official order; may be gone through several times.

    Args:
        load: Yields all samples.
        count: How many are wanted; None for all.
        seed: Another one chooses others.

    Raises:
        ConfigError: There is none, or two have the same id.

    Example:
        >>> samples = Samples(lambda: BENCHMARKS.get("unisvg").load("data/UniSVG"), count=50)  # doctest: +SKIP
        >>> len(samples), next(iter(samples)).language  # doctest: +SKIP
        (50, 'svg')
    """

    def __init__(self, load: Callable[[], Iterable[Sample]], count: int | None = None, seed: int = 0) -> None:
        self._load = load
        self.ids: dict[str, None] = {}
        for sample in load():
            if sample.id in self.ids:
                raise ConfigError(
                    f"the benchmark has two samples with the id {sample.id!r}; is the directory complete?"
                )
            self.ids[sample.id] = None
        if not self.ids:
            raise ConfigError("the benchmark has no sample; is the directory complete?")
        if count is not None:
            self.ids = dict.fromkeys(heapq.nsmallest(count, self.ids, key=lambda name: _rank(name, seed)))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Sample]:
        return (sample for sample in self._load() if sample.id in self.ids)


def _rank(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
