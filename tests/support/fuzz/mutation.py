"""New inputs from known ones, the same ones each time: what the quick tests try, without coverage to lead them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence


def inputs(seeds: Sequence[bytes], words: Sequence[bytes], count: int, longest: int) -> Iterator[bytes]:
    """Yield the seeds, then ``count`` mutants of them.

    Args:
        seeds: Known inputs; at least one.
        words: What inputs are made of.
        count: How many mutants.
        longest: Longest mutant in bytes.
    """
    yield from seeds
    chance = random.Random(0)
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            _mutate(data, seeds, words, chance)
        yield bytes(data[:longest])


def _mutate(data: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> None:
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((0, 1, 4, 64)))
    kind = chance.randrange(6)
    if kind == 0 and data:
        data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == 1:
        del data[start:end]
    elif kind == 2:
        data[start:end] = chance.choice(words) * chance.choice((1, 1, 2, 40))
    elif kind == 3:
        data[start:start] = data[start:end] * chance.choice((1, 3, 100))
    elif kind == 4:
        other = chance.choice(seeds)
        at = chance.randint(0, len(other))
        data[start:end] = other[at : at + chance.choice((8, 64, 512))]
    else:
        data[start:end] = b" ".join(chance.choices(words, k=chance.randint(1, 6)))
