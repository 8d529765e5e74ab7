"""How alike two pictures look, coarse to fine: tiling, encoders, comparison."""

from __future__ import annotations

from vincicoder.similarity.compare import Comparison, Prepared, Similarity
from vincicoder.similarity.encoders import Encoder, load_encoder
from vincicoder.similarity.tiling import MAX_TILES, TILE, Tiles, grid_of, tile

__all__ = [
    "MAX_TILES",
    "TILE",
    "Comparison",
    "Encoder",
    "Prepared",
    "Similarity",
    "Tiles",
    "grid_of",
    "load_encoder",
    "tile",
]
