"""Measuring the reward: graded damage to references and hacks, and how often the reward ranks them right.

What is damaged and how, the split of references and the held-out snippets are frozen: whoever chooses weights by these
figures does so on the split ``training``, and reports them on ``held-out``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vincicoder.fidelity.judging import Judges
    from vincicoder.fidelity.runner import Fidelity, measure

_HOMES = {"Fidelity": "runner", "Judges": "judging", "measure": "runner"}

__all__ = ["Fidelity", "Judges", "measure"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"vincicoder.fidelity.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vincicoder.fidelity' has no attribute {name!r}")
