"""Defects that are put into code on purpose: typed, seeded, a dozen and more for each language.

A defect takes code and random numbers and returns code that differs, or None where the code has nothing that it could
spoil. Whether the difference shows is not known here; :mod:`data_recipes.refine` draws the result.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Defect = Callable[[str, random.Random], "str | None"]


def defects_of(language: str) -> dict[str, Defect]:
    """Return the defects of a language by name; there may be none."""
    from data_recipes.defects import html, latex, python, svg

    tables = {"python": python.DEFECTS, "html": html.DEFECTS, "svg": svg.DEFECTS, "latex": latex.DEFECTS}
    return tables.get(language, {})
