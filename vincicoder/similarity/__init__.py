"""How alike two images look, coarse to fine: tiling, encoders, comparison.

Names are imported on first use, so that reading `EncoderConfig` needs no NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vincicoder.similarity.compare import Comparison, Prepared, Similarity, background_of, blank_page
    from vincicoder.similarity.encoders import Encoder, load_encoder
    from vincicoder.similarity.tiling import MAX_TILES, TILE, Tiles, fitted, grid_of, tile

_HOMES = {
    **dict.fromkeys(("Comparison", "Prepared", "Similarity", "background_of", "blank_page"), "compare"),
    **dict.fromkeys(("Encoder", "load_encoder"), "encoders"),
    **dict.fromkeys(("MAX_TILES", "TILE", "Tiles", "fitted", "grid_of", "tile"), "tiling"),
}

__all__ = [
    "MAX_TILES",
    "TILE",
    "Comparison",
    "Encoder",
    "Prepared",
    "Similarity",
    "Tiles",
    "background_of",
    "blank_page",
    "fitted",
    "grid_of",
    "load_encoder",
    "tile",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"vincicoder.similarity.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vincicoder.similarity' has no attribute {name!r}")
