"""Presets: named sets of components and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A named set of components.

    Attributes:
        weights: Weight of each component in ``visual``, the preset's weighted arithmetic mean.
    """

    weights: Mapping[str, float]


PRESETS: dict[str, Preset] = {"paper": Preset({"paper": 1.0})}
