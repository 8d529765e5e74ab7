"""An encoder without weights, for the CPU, that looks at the lines and edges of a tile, down to single pixels.

`embedded` looks at cells of 16 pixels and more, so a blurred copy or a mosaic of the target is to it like the target.
This one tells by what is in a cell, and less by where: how much there is of thin lines and of edges, in which
directions, how strong, and whether lines are darker or lighter than what is around them. A mosaic has the target's
colours in the target's places, but its edges are level, upright and weak.

=======  ==========================================================================================  =====
Part     What it holds                                                                               Share
=======  ==========================================================================================  =====
strokes  seven measures of lines and edges at three sizes of the tile, in each cell of a 7 x 7 grid  0.85
layout   darkness and colour of each cell of a 14 x 14 grid                                          0.10
palette  colours other than white, wherever they are                                                 0.05
=======  ==========================================================================================  =====

- In each cell the measures are divided by their strength, so that faint text counts like a black bar, and their mean
  is subtracted. What is left is their proportion, which tells text from a line, and a line from a staircase.
- Cells overlap widely, so that what is moved a little is still in its place.
- It knows nothing of meaning, like `embedded`. Shares and weights were chosen by ``vincicoder fidelity`` on the
  training half of the sample references (``docs/fidelity.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vincicoder.similarity.encoders._classical import (
    LAYOUT_CELLS,
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

# For each part: its share in the squared length of an embedding, and the length of the part's features at which it
# gets half of that share.
_PARTS = {
    "strokes": (0.85, 0.05),
    "layout": (0.10, 0.2),
    "palette": (0.05, 0.03),
}
_EMPTY_SHARE = 0.05

_CELLS = 7
_REACH = 0.8
_BLOCK = 16
"""Pixels of a tile that are averaged before cells are made of them."""

_SIZES = {1: 1.0, 2: 0.7, 4: 0.4}
"""How many times a tile is made smaller, to the weight of what is seen then."""

_STRONG = 0.3
"""Difference over two pixels from which an edge is strong; black on white has 1."""

# Level and upright edges are in every chart, page and mosaic, so the other directions say more.
_MEASURES = np.array([1, 1, 2, 2, 1, 1, 1], np.float32)
_WEIGHTS = np.concatenate([weight * _MEASURES for weight in _SIZES.values()]).astype(np.float32)
_WEIGHTS /= np.sqrt((_WEIGHTS**2).mean())
_WEIGHTS = _WEIGHTS[:, None, None]

_FAINT = 0.05
"""Strength of a cell, as the root of the mean square of its measures, below which it counts less and less."""

_TO_CELLS = pooling(_CELLS, TILE // _BLOCK, _REACH)
_TO_LAYOUT = pooling(LAYOUT_CELLS, TILE // 8)


def load(name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> StrokesEncoder:
    """Return the encoder.

    Args:
        name: ``"strokes"``; it has no variants.
        device: None, ``"auto"`` or ``"cpu"``.
        dtype: None, ``"auto"`` or ``"float32"``.
        batch_tiles: Has no effect, since tiles are embedded one by one.

    Raises:
        ConfigError: Another name, device or dtype is asked for.
    """
    refuse_options("strokes", name, device, dtype)
    return StrokesEncoder()


class StrokesEncoder:
    """Embed tiles by their lines and edges. Equal tiles have equal embeddings.

    Example:
        >>> tiles = np.zeros((2, TILE, TILE, 3), np.uint8)
        >>> np.linalg.norm(StrokesEncoder().encode(tiles), axis=1).round(3).tolist()
        [1.0, 1.0]
    """

    name = "strokes"

    def encode(self, tiles: npt.NDArray[np.uint8]) -> Floats:
        """Embed tiles.

        Args:
            tiles: RGB, uint8, shape ``[N, 448, 448, 3]``.

        Returns:
            Embeddings of length 1, float32, shape ``[N, D]`` with D about 1,900.
        """
        return np.stack([_embedding(each) for each in tiles])


def _embedding(tile: npt.NDArray[np.uint8]) -> Floats:
    """Return the embedding of a tile, uint8 ``[448, 448, 3]``."""
    image = Image.fromarray(tile)
    half = image.reduce(2)
    palette, plain = colours(half)
    features = {
        "strokes": _strokes(image.convert("L")),
        "layout": layout(opponent(half), _TO_LAYOUT),
        "palette": palette,
    }
    return joined(features, plain, _PARTS, _EMPTY_SHARE)


def _strokes(grey: Image.Image) -> Floats:
    """Return the proportion of the measures in each cell, at most 1 long if every cell has strokes."""
    found = [
        _measures(unit(np.asarray(grey if times == 1 else grey.reduce(times))), _BLOCK // times) for times in _SIZES
    ]
    cells = pooled(np.concatenate(found), _TO_CELLS) * _WEIGHTS
    strength = np.sqrt((cells * cells).mean(axis=0) + np.float32(_FAINT**2))
    proportions = (cells - cells.mean(axis=0)) / strength
    return np.asarray(proportions / np.sqrt(np.float32(cells.size)), np.float32).ravel()


def _measures(grey: Floats, block: int) -> Floats:
    """Return how much there is of upright, level, rising and falling edges; of strong ones; of dark and light lines.

    Args:
        grey: Shape ``[rows, columns]``, in [0, 1].
        block: Pixels on a side of what is averaged.

    Returns:
        Shape ``[7, rows / block, columns / block]``.
    """
    across, down, lines = np.zeros_like(grey), np.zeros_like(grey), np.zeros_like(grey)
    np.subtract(grey[:, 2:], grey[:, :-2], out=across[:, 1:-1])
    np.subtract(grey[2:], grey[:-2], out=down[1:-1])
    inner = lines[1:-1, 1:-1]  # half of what the four neighbours have more than the pixel
    np.add(grey[:-2, 1:-1], grey[2:, 1:-1], out=inner)
    inner += grey[1:-1, :-2]
    inner += grey[1:-1, 2:]
    inner -= 4 * grey[1:-1, 1:-1]
    lines *= np.float32(0.5)
    slanted = 2 * across * down
    across *= across
    down *= down
    strength = np.sqrt(across + down)
    scale = 1 / (strength + np.float32(1e-6))
    # Cosine and sine of twice an edge's angle are the same for both sides of a line.
    straight = (across - down) * scale
    slanted *= scale
    strength -= np.float32(_STRONG)
    strong = 2 * np.maximum(strength, np.float32(0), out=strength)
    pairs = [_both_signs(each, block) for each in (straight, slanted, lines)]
    return np.stack([*pairs[0], *pairs[1], _averaged(strong, block), *pairs[2]])


def _both_signs(values: Floats, block: int) -> tuple[Floats, Floats]:
    """Return the mean of what is above 0 and of what is below it, in each block."""
    total, size = _averaged(values, block), _averaged(np.abs(values), block)
    half = np.float32(0.5)
    return half * (size + total), half * (size - total)


def _averaged(values: Floats, block: int) -> Floats:
    """Return the mean of each block."""
    rows, columns = (side // block for side in values.shape)
    lines = values.reshape(rows, block, -1).sum(axis=1)
    mean: Floats = lines.reshape(rows, columns, block).sum(axis=2) / np.float32(block * block)
    return mean
