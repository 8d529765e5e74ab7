"""Sources that write code themselves: any number of rows, each a function of seed and number alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data_recipes.engine.shards import CHUNK
from data_recipes.engine.units import Row, Unit
from vincicoder.data import Record, write_prompt
from vincicoder.data.domains import LANGUAGE_OF

LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class GeneratedSet:
    """A kind of code that is written by a program; its images are rendered later.

    Attributes:
        name: Of the source.
        domain: Of its records.
        write: Writes one piece of code with the given random numbers.

    Example:
        >>> SOURCE = GeneratedSet("spirals", "svg", write)
    """

    name: str
    domain: str
    write: Callable[[random.Random], str]

    def open(self, location: str | None, count: int, seed: int) -> Generated:
        """Return the source of ``count`` rows; it has no location."""
        return Generated(self.name, self.domain, self.write, count, seed)


@dataclass(frozen=True)
class Generated:
    """A source of written code.

    Attributes:
        name: Of the source.
        domain: Of its records.
        write: Writes one unit of code with the given random numbers.
        count: Rows.
        seed: Another one gives other rows.
    """

    name: str
    domain: str
    write: Callable[[random.Random], str]
    count: int
    seed: int = 0

    def units(self) -> list[Unit]:
        """Return ranges of numbers."""
        starts = range(0, self.count, CHUNK)
        return [
            Unit(index, min(CHUNK, self.count - start), range(start, min(start + CHUNK, self.count)))
            for index, start in enumerate(starts)
        ]

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield records without an image."""
        language = LANGUAGE_OF[self.domain]
        for number in unit.where:
            name = f"{self.name}-{self.seed}-{number:07d}"
            # Seeded by text, which every version of Python turns into the same numbers.
            code = self.write(random.Random(name))
            prompt = write_prompt(self.domain, language, key=name, seed=self.seed)
            yield Row(
                name,
                Record(
                    id=name,
                    domain=self.domain,
                    task="generate",
                    language=language,
                    prompt=prompt,
                    code=code,
                    target=b"",
                    source=f"vincicoder/{self.name}",
                    licence=LICENCE,
                ),
            )
