"""An encoder without weights, for the CPU: classical structure, edge and colour features.

It ranks renders of drawings (charts, pages, icons, figures) usefully enough to try everything out on a
machine with neither GPU nor hub. It knows no semantics: train with DINOv2.

A tile is described by four parts, each compared on its own scale, because a cosine over raw pixels would
see little but white paper:

- **layout**: how dark each cell of a 14x14 grid is, and of what colour;
- **detail**: how dark each cell of a 28x28 grid is;
- **edges**: how strong the edges of each direction are in each cell of a 14x14 grid;
- **palette**: which colours other than white occur, wherever they are.

The first three have the tile's own mean taken away, so that two unrelated drawings come out near 0 instead
of near 1. Cells overlap, so that a shift by a few pixels costs little. What a tile has too little of to
fill a part is made up by its plain colours, so that an empty tile is like another empty one of its colour
and unlike a drawing.
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

_SIDE = TILE // 2
_DIRECTIONS = 6
_BINS = 5

# Share of each part in the squared length of an embedding, and the length of a part at which it counts for
# half.
_PARTS = {
    "layout": (0.30, 0.2),
    "detail": (0.15, 0.4),
    "edges": (0.40, 0.3),
    "palette": (0.15, 0.03),
}

# How much colour counts beside darkness in the layout.
_CHROMA = 0.5

# Share of one last number that only says whether there is anything to see, which puts empty against drawn
# below 0.
_INK = 0.25


def load(name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> EmbeddedEncoder:
    """Return the encoder; `batch_tiles` has no effect, since tiles are taken one by one.

    Raises:
        ConfigError: A variant, or a device or dtype other than the CPU and float32, is asked for.
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
    """Embeds tiles by classical features, about 3 ms each on one core. Equal tiles, equal embeddings."""

    name = "embedded"

    def encode(self, tiles: npt.NDArray[np.uint8]) -> _Floats:
        """Embed tiles; see `Encoder.encode`. D is about 2,800 and every embedding has length 1."""
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
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Darkness below white, red against green, yellow against blue.
_OPPONENT = np.array([-_LUMA, [1, -1, 0], [0.5, 0.5, -1]], np.float32)


def _features(tile: npt.NDArray[np.uint8]) -> dict[str, _Floats]:
    """Describe a tile, uint8 ``[448, 448, 3]``, by its parts and, as ``plain``, by all of its colours."""
    pixels: _Floats = np.asarray(Image.fromarray(tile).reduce(2), np.float32) / np.float32(255)
    luma = pixels @ _LUMA
    dark = np.maximum(0, 1 - luma)
    histogram = _histogram(pixels[::3, ::3].reshape(-1, 3))
    coloured = histogram.copy()
    coloured[-1] = 0
    return {
        "layout": _layout(pixels).ravel(),
        "detail": _centred(np.sqrt(_FINE @ dark @ _FINE.T)).ravel(),
        "edges": _edges(luma).ravel(),
        "palette": coloured,
        "plain": histogram,
    }


def _layout(pixels: _Floats) -> _Floats:
    """Return darkness, less its mean, and two opponent colours by cell, shape ``[3, 14, 14]``."""
    rows = (_COARSE @ pixels.reshape(_SIDE, -1)).reshape(-1, _SIDE, 3)
    cells: _Floats = np.tensordot(_OPPONENT, np.tensordot(rows, _COARSE, axes=(1, 1)), axes=(1, 1))
    cells[0] += 1
    # Square roots, so that a thin line counts beside a filled area.
    cells = np.copysign(np.sqrt(np.abs(cells)), cells)
    cells[0] = _centred(cells[0])
    cells[1:] *= _CHROMA
    return cells


def _centred(cells: _Floats) -> _Floats:
    """Take the mean over the last two axes away."""
    centred: _Floats = cells - cells.mean(axis=(-2, -1), keepdims=True)
    return centred


def _edges(luma: _Floats) -> _Floats:
    """Return the strength of the edges by direction and cell, shape ``[directions, 14, 14]``."""
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
        strengths.append(np.sqrt(_COARSE @ along @ _COARSE.T))
    return _centred(np.stack(strengths))


def _histogram(pixels: _Floats) -> _Floats:
    """Return the square roots of the shares of colours, shape ``[bins ** 3]``; the last one is white."""
    # A pixel is shared out between the bins on either side of its value, so that no tiny change jumps.
    shares = np.maximum(0, 1 - np.abs(pixels[:, :, None] * (_BINS - 1) - np.arange(_BINS, dtype=np.float32)))
    red_green = (shares[:, 0, :, None] * shares[:, 1, None, :]).reshape(len(pixels), -1)
    counts: _Floats = red_green.T @ shares[:, 2]
    roots: _Floats = np.sqrt(counts.ravel() / len(pixels))
    return roots


def _embedding(features: dict[str, _Floats]) -> _Floats:
    """Join the parts into one vector of length 1."""
    pieces, empty = [], 0.0
    for part, (share, half) in _PARTS.items():
        length = float(features[part] @ features[part])
        pieces.append(features[part] * np.sqrt(share / (length + half**2)))
        empty += share * half**2 / (length + half**2)
    plain = features["plain"]
    pieces.append(plain * np.sqrt(empty / float(plain @ plain)))
    ink = np.float32(np.sqrt(_INK) * (1 - 2 * np.sqrt(empty)))
    return np.append(np.sqrt(1 - ink * ink) * np.concatenate(pieces), ink).astype(np.float32)
