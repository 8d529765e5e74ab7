"""An encoder without weights, for the CPU, that describes a tile by classical features.

It ranks renders of charts, pages, icons and figures well enough to try everything out on a machine without GPU and
weights. It knows nothing of meaning: train with DINOv2.

The embedding of a tile has four parts. Each has a scale of its own, because a cosine over raw pixels would see little
but white paper:

=======  ===================================================================  =====
Part     What it holds                                                        Share
=======  ===================================================================  =====
layout   darkness and colour of each cell of a 14 x 14 grid                   0.30
detail   darkness of each cell of a 28 x 28 grid                              0.15
edges    strength of edges in 6 directions, in each cell of a 14 x 14 grid    0.40
palette  colours other than white, wherever they are                          0.15
=======  ===================================================================  =====

- Layout, detail and edges have their mean subtracted. So the cosine of two unrelated images is near 0, not near 1.
- Cells overlap, so that a shift by a few pixels changes little.
- A part counts less the less the tile has of it: a tile with few edges has a small edge part. The plain colours of the
  tile take the rest of the share. So an empty tile is like another empty tile of its colour, and unlike any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vincicoder.similarity.encoders._classical import (
    LAYOUT_CELLS,
    centred,
    colours,
    joined,
    layout,
    opponent,
    pooled,
    pooling,
    refuse_options,
    unit,
)  # fmt: skip
from vincicoder.similarity.tiling import TILE

if TYPE_CHECKING:
    import numpy.typing as npt

    from vincicoder.similarity.encoders._classical import Floats

# Tiles are seen at half size, and after the step that needs the pixels, at an eighth. That keeps every matrix
# product small enough for BLAS to run it on the calling thread: handing it to others takes many times as long on
# a machine whose cores are busy rendering.
_SIDE = TILE // 8
_DIRECTIONS = 6

# For each part: its share in the squared length of an embedding, and the length of the part's features at which it
# gets half of that share.
_PARTS = {
    "layout": (0.30, 0.2),
    "detail": (0.15, 0.4),
    "edges": (0.40, 0.3),
    "palette": (0.15, 0.03),
}

_EMPTY_SHARE = 0.25

_COARSE = pooling(LAYOUT_CELLS, _SIDE)
_FINE = pooling(28, _SIDE)


def load(name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> EmbeddedEncoder:
    """Return the encoder.

    Args:
        name: ``"embedded"``; it has no variants.
        device: None, ``"auto"`` or ``"cpu"``.
        dtype: None, ``"auto"`` or ``"float32"``.
        batch_tiles: Has no effect, since tiles are embedded one by one.

    Raises:
        ConfigError: Another name, device or dtype is asked for.
    """
    refuse_options("embedded", name, device, dtype)
    return EmbeddedEncoder()


class EmbeddedEncoder:
    """Embed tiles by classical features, about 3 ms each on one core. Equal tiles have equal embeddings.

    Example:
        >>> tiles = np.zeros((2, TILE, TILE, 3), np.uint8)
        >>> np.linalg.norm(EmbeddedEncoder().encode(tiles), axis=1).round(3).tolist()
        [1.0, 1.0]
    """

    name = "embedded"

    def encode(self, tiles: npt.NDArray[np.uint8]) -> Floats:
        """Embed tiles.

        Args:
            tiles: RGB, uint8, shape ``[N, 448, 448, 3]``.

        Returns:
            Embeddings of length 1, float32, shape ``[N, D]`` with D about 2,800.
        """
        return np.stack([_embedding(each) for each in tiles])


def _embedding(tile: npt.NDArray[np.uint8]) -> Floats:
    """Return the embedding of a tile, uint8 ``[448, 448, 3]``."""
    half = Image.fromarray(tile).reduce(2)
    palette, plain = colours(half)
    maps = opponent(half)
    features = {
        "layout": layout(maps, _COARSE),
        "detail": centred(pooled(maps[:1], _FINE)).ravel(),
        "edges": _edges(half).ravel(),
        "palette": palette,
    }
    return joined(features, plain, _PARTS, _EMPTY_SHARE)


def _edges(half: Image.Image) -> Floats:
    """Return the strength of the edges by direction and cell, shape ``[directions, 14, 14]``."""
    luma = unit(np.asarray(half.convert("L")))
    across, down = np.zeros_like(luma), np.zeros_like(luma)
    across[:, 1:-1] = luma[:, 2:] - luma[:, :-2]
    down[1:-1] = luma[2:] - luma[:-2]
    squares = across * across + down * down
    scale = 1 / (squares * np.sqrt(squares) + 1e-6)
    strengths = []
    for angle in np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS:
        along = np.float32(np.cos(angle)) * across + np.float32(np.sin(angle)) * down
        np.square(along, out=along)
        np.square(along, out=along)
        along *= scale
        strengths.append(np.asarray(Image.fromarray(along).reduce(4)))
    return centred(pooled(np.stack(strengths), _COARSE))
