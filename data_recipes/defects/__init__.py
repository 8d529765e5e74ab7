"""Defects that are put into code on purpose: typed, seeded, a dozen and more for each language; one file a language.

A defect takes code and random numbers and returns code that differs, or None where the code has nothing that it could
spoil. Whether the difference shows is not known here; :mod:`data_recipes.refine` renders the result.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from vincicoder.data import BadRow, Reason
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language
from vincicoder.registry import Registry

Defect = Callable[[str, random.Random], "str | None"]

DEFECTS: Registry[Mapping[str, Defect]] = Registry("set of defects", "data_recipes.defects", "DEFECTS")
"""The defects of each language by their names; the names of the sets are the languages'."""


def defects_of(language: str) -> Mapping[str, Defect]:
    """Return the defects of a language by name.

    Args:
        language: A registered language, or an alias of one.

    Raises:
        BadRow: There is no such language, or nobody has written defects for it yet.

    Example:
        >>> sorted(defects_of("svg"))[:3]
        ['colour', 'double', 'extent']
    """
    try:
        name = get_language(language).name
    except ConfigError as error:
        raise BadRow(Reason.NO_DEFECT, str(error)) from error
    if name not in DEFECTS:
        raise BadRow(
            Reason.NO_DEFECT,
            f"{name} has no defects yet, only {', '.join(DEFECTS)}; add data_recipes/defects/{name}.py",
        )
    return DEFECTS.get(name)
