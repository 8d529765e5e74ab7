"""Cut an image into square tiles plus a thumbnail, the way InternVL prepares images of any shape."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vincicoder.similarity.pixels import PIXEL, pixels

TILE = 448
"""Side of a tile, in pixels."""

MAX_TILES = 12
"""Most tiles in a grid, the thumbnail not counted."""

# Smallest grids first. Grids of the same number of tiles may come in any order: no image is equally close
# to two of them without being closer to a third, so which of them is looked at first never decides.
_GRIDS = sorted(
    (
        (columns, rows)
        for columns in range(1, MAX_TILES + 1)
        for rows in range(1, MAX_TILES + 1)
        if columns * rows <= MAX_TILES
    ),
    key=lambda grid: (grid[0] * grid[1], grid),
)


class Tiles(NamedTuple):
    """An image as tiles.

    Attributes:
        pixels: RGB, uint8, shape ``[N, 448, 448, 3]``: the grid's tiles row by row, then the thumbnail if the
            grid has more than one tile.
        grid: Columns and rows.

    Example:
        >>> tiles = tile(Image.new("RGB", (1344, 896)))
        >>> tiles.grid, tiles.pixels.shape
        ((3, 2), (7, 448, 448, 3))
    """

    pixels: npt.NDArray[np.uint8]
    grid: tuple[int, int]


def grid_of(width: int, height: int) -> tuple[int, int]:
    """Choose the grid whose shape is closest to the image's.

    Several grids may be equally close, such as 1x1, 2x2 and 3x3. Then the largest of them wins that the image fills by
    more than half.

    Args:
        width: Width of the image in pixels, at least 1.
        height: Height of the image in pixels, at least 1.

    Returns:
        Columns and rows; their product is at most ``MAX_TILES``.

    Example:
        >>> grid_of(400, 400), grid_of(1344, 896)
        ((1, 1), (3, 2))
    """
    shape = width / height
    best, closest = (1, 1), float("inf")
    for columns, rows in _GRIDS:
        distance = abs(shape - columns / rows)
        filled = width * height > 0.5 * TILE * TILE * columns * rows
        if distance < closest or (distance == closest and filled):
            best, closest = (columns, rows), distance
    return best


def tile(image: Image.Image) -> Tiles:
    """Cut an image into tiles.

    Args:
        image: An image of any size. Anything but RGB is converted first.

    Returns:
        The tiles. The image is stretched to fill the grid; nothing is cropped or padded.

    Example:
        >>> tile(Image.new("RGB", (300, 200))).pixels.shape
        (7, 448, 448, 3)
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    columns, rows = grid = grid_of(*rgb.size)
    count = columns * rows
    cut = np.empty((count + (count > 1), TILE, TILE, 3), np.uint8)
    stretched = rgb.resize((columns * TILE, rows * TILE), Image.Resampling.BICUBIC)
    cells = cut[:count].view(PIXEL).reshape(rows, columns, TILE, TILE).swapaxes(1, 2)
    cells[...] = pixels(stretched).reshape(cells.shape)
    if count > 1:
        cut[count].view(PIXEL)[..., 0] = pixels(rgb.resize((TILE, TILE), Image.Resampling.BICUBIC))
    return Tiles(cut, grid)


def fitted(render: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a render at a target's size, RGB, resized bicubically.

    Args:
        render: The render, of any size and mode.
        size: Width and height in pixels.

    Example:
        >>> fitted(Image.new("L", (10, 10)), (20, 30)).size
        (20, 30)
    """
    # RGB first: Pillow would resize a palette image by nearest neighbour.
    rgb = render if render.mode == "RGB" else render.convert("RGB")
    return rgb if rgb.size == size else rgb.resize(size, Image.Resampling.BICUBIC)
