"""Where records come from: one file a source, which is all that adding one takes.

Such a file offers ``SOURCE``, which knows how to :meth:`~DataSet.open` it. Three kinds exist: sources that write code
themselves (:class:`GeneratedSet`), readers of public sets (:class:`PublicSet`), and what is on this machine.
"""

from __future__ import annotations

from typing import Protocol

from data_recipes.engine.units import Source
from data_recipes.sources._generated import GeneratedSet
from data_recipes.sources._public import PublicSet
from vincicoder.data import DataError
from vincicoder.registry import Registry

__all__ = ["SOURCES", "DataSet", "GeneratedSet", "PublicSet", "find_source", "generated_domains", "public_names"]


class DataSet(Protocol):
    """What a file of this directory offers as ``SOURCE``."""

    def open(self, location: str | None, count: int, seed: int) -> Source:
        """Return the source; see :func:`find_source`."""


SOURCES: Registry[DataSet] = Registry("source", "data_recipes.sources", "SOURCE")
"""The sources by name."""


def find_source(name: str, location: str | None = None, count: int = 1000, seed: int = 0) -> Source:
    """Return a source.

    Args:
        name: A name of ``SOURCES``.
        location: Of a set that is read: a local directory, or the id of a repository on Hugging Face; None: its own id.
        count: Rows that a generated source writes.
        seed: Of generated sources and of the choice of wordings.

    Raises:
        DataError: There is no such source, or it needs a location.

    Example:
        >>> source = find_source("charts", count=500)
        >>> [row.found.domain for row in source.read(source.units()[0])][:2]
        ['chart', 'chart']
    """
    if name not in SOURCES:
        raise DataError(SOURCES.unknown(name))
    return SOURCES.get(name).open(location, count, seed)


def generated_domains() -> dict[str, str]:
    """Return the sources that write code themselves, with their domains."""
    found = {name: SOURCES.get(name) for name in SOURCES}
    return {name: source.domain for name, source in found.items() if isinstance(source, GeneratedSet)}


def public_names() -> list[str]:
    """Return the sources that read a public set."""
    return [name for name in SOURCES if isinstance(SOURCES.get(name), PublicSet)]
