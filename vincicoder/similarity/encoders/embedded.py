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

from vincicoder.errors import ConfigError
from vincicoder.similarity.tiling import TILE

if TYPE_CHECKING:
    import numpy.typing as npt

    _Floats = npt.NDArray[np.float32]

# Tiles are seen at half size, and after the step that needs the pixels, at an eighth. That keeps every matrix
# product small enough for BLAS to run it on the calling thread: handing it to others takes many times as long on
# a machine whose cores are busy rendering.
_SIDE = TILE // 8
_DIRECTIONS = 6
_BINS = 5

# For each part: its share in the squared length of an embedding, and the length of the part's features at which it
# gets half of that share.
_PARTS = {
    "layout": (0.30, 0.2),
    "detail": (0.15, 0.4),
    "edges": (0.40, 0.3),
    "palette": (0.15, 0.03),
}

# How much colour counts beside darkness in the layout.
_CHROMA = 0.5

# Share of one last number that says only how much of the tile is empty. It makes the cosine of an empty tile and a full
# one negative.
_INK = 0.25


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
    for option, value, works in (
        ("encoder", name, ("embedded",)),
        ("device", device, (None, "auto", "cpu")),
        ("dtype", dtype, (None, "auto", "float32", "fp32")),
    ):
        if value not in works:
            raise ConfigError(
                f"{option}={value!r} cannot be used: the embedded encoder runs on the CPU in float32. "
                f"Expected {' or '.join(repr(each) for each in works if each)}."
            )
    return EmbeddedEncoder()


class EmbeddedEncoder:
    """Embed tiles by classical features, about 3 ms each on one core. Equal tiles have equal embeddings.

    Example:
        >>> tiles = np.zeros((2, TILE, TILE, 3), np.uint8)
        >>> np.linalg.norm(EmbeddedEncoder().encode(tiles), axis=1).round(3).tolist()
        [1.0, 1.0]
    """

    name = "embedded"

    def encode(self, tiles: npt.NDArray[np.uint8]) -> _Floats:
        """Embed tiles.

        Args:
            tiles: RGB, uint8, shape ``[N, 448, 448, 3]``.

        Returns:
            Embeddings of length 1, float32, shape ``[N, D]`` with D about 2,800.
        """
        return np.stack([_embedding(_features(each)) for each in tiles])


def _pooling(cells: int) -> _Floats:
    """Return weights, shape ``[cells, _SIDE]``, that average a line of pixels over overlapping cells."""
    centres = (np.arange(cells) + 0.5) * _SIDE / cells
    distance = (np.arange(_SIDE) + 0.5 - centres[:, None]) * cells / _SIDE
    weights = np.exp(-0.5 * (distance / 0.6) ** 2)
    normalised: _Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


_COARSE = _pooling(14)
_FINE = _pooling(28)


def _features(tile: npt.NDArray[np.uint8]) -> dict[str, _Floats]:
    """Return the features of a tile, uint8 ``[448, 448, 3]``: its four parts, and ``plain``, all of its colours."""
    half = Image.fromarray(tile).reduce(2)
    # Every ninth pixel is enough, in three batches for the sake of small products.
    histogram = _histogram(_unit(np.asarray(half)[::3, ::3].reshape(3, -1, 3)))
    coloured = histogram.copy()
    coloured[-1] = 0
    opponent = _opponent(_unit(np.asarray(half.reduce(4))))
    layout = _pooled(opponent, _COARSE)
    layout[0] = _centred(layout[0])
    layout[1:] *= _CHROMA
    return {
        "layout": layout.ravel(),
        "detail": _centred(_pooled(opponent[:1], _FINE)).ravel(),
        "edges": _edges(half).ravel(),
        "palette": coloured,
        "plain": histogram,
    }


def _unit(pixels: npt.NDArray[np.uint8]) -> _Floats:
    """Scale bytes to [0, 1]."""
    scaled: _Floats = pixels.astype(np.float32) / np.float32(255)
    return scaled


def _opponent(pixels: _Floats) -> _Floats:
    """Return darkness below white, red against green and yellow against blue, shape ``[3, rows, columns]``."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    dark = np.maximum(0, 1 - 0.299 * red - 0.587 * green - 0.114 * blue)
    return np.stack([dark, red - green, (red + green) / 2 - blue])


def _pooled(maps: _Floats, weights: _Floats) -> _Floats:
    """Return the mean of each map in each cell, as signed square roots, so that thin lines count beside areas."""
    cells: _Floats = weights @ maps @ weights.T
    return np.copysign(np.sqrt(np.abs(cells)), cells)


def _centred(cells: _Floats) -> _Floats:
    """Subtract the mean over the last two axes."""
    centred: _Floats = cells - cells.mean(axis=(-2, -1), keepdims=True)
    return centred


def _edges(half: Image.Image) -> _Floats:
    """Return the strength of the edges by direction and cell, shape ``[directions, 14, 14]``."""
    luma = _unit(np.asarray(half.convert("L")))
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
    return _centred(_pooled(np.stack(strengths), _COARSE))


def _histogram(batches: _Floats) -> _Floats:
    """Return the square roots of the shares of colours, shape ``[bins ** 3]``, length 1; the last is white.

    Args:
        batches: Pixels in [0, 1], shape ``[batches, pixels, 3]``.
    """
    # A pixel is shared out between the bins on either side of its value, so that no tiny change jumps.
    shares = np.maximum(0, 1 - np.abs(batches[..., None] * (_BINS - 1) - np.arange(_BINS, dtype=np.float32)))
    red, green, blue = np.moveaxis(shares, 2, 0)
    red_green = (red[..., :, None] * green[..., None, :]).reshape(*red.shape[:2], -1)
    counts = (red_green.swapaxes(1, 2) @ blue).sum(axis=0)
    roots: _Floats = np.sqrt(counts.ravel() / counts.sum())
    return roots


def _embedding(features: dict[str, _Floats]) -> _Floats:
    """Join the parts into one vector of length 1."""
    pieces, empty = [], 0.0
    for part, (share, half) in _PARTS.items():
        length = float(features[part] @ features[part])
        pieces.append(features[part] * np.sqrt(share / (length + half**2)))
        empty += share * half**2 / (length + half**2)
    pieces.append(features["plain"] * np.sqrt(empty))
    ink = np.float32(np.sqrt(_INK) * (1 - 2 * np.sqrt(empty)))
    return np.append(np.sqrt(1 - ink * ink) * np.concatenate(pieces), ink).astype(np.float32)
