"""A training run from outside: its log in one form for all trainers, its recipe, what is off, and its card.

- ``read_log`` reads what EasyR1, verl, ms-swift or TRL wrote, also while they write.
- ``Recipe`` is a rung of the ladder in ``recipes/``: settings of a run, and the bands in which its log should lie.
- ``watch`` holds a log against bands and rules, and names likely causes.
- ``card`` gathers what others need to believe a result, and to get it again.
"""

from __future__ import annotations

from vincicoder.runs.log import Entry, Log, read_log
from vincicoder.runs.recipe import Band, Recipe, read_recipe
from vincicoder.runs.watch import Finding, Level, watch

__all__ = ["Band", "Entry", "Finding", "Level", "Log", "Recipe", "read_log", "read_recipe", "watch"]
