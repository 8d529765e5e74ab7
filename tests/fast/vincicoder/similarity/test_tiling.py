from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from vincicoder.similarity import MAX_TILES, TILE, grid_of, tile
from vincicoder.similarity.tiling import _GRIDS


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    rng = np.random.default_rng(width * 10_007 + height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).convert(mode)


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((1, 1), (1, 1)),
        ((448, 448), (1, 1)),
        ((633, 633), (1, 1)),  # 2x2 wants more than 633.6 a side
        ((634, 634), (2, 2)),
        ((950, 950), (2, 2)),  # 3x3 wants more than 950.4
        ((951, 951), (3, 3)),
        ((5000, 5000), (3, 3)),
        ((640, 480), (4, 3)),
        ((480, 640), (3, 4)),
        ((800, 600), (4, 3)),
        ((1000, 400), (5, 2)),
        ((600, 300), (2, 1)),
        ((1266, 633), (2, 1)),  # 4x2 has the same shape and wants more than 1267.2 by 633.6
        ((1268, 634), (4, 2)),
        ((1280, 720), (4, 2)),  # 16:9 lies nearer 2:1 than 3:2
        ((1920, 1080), (4, 2)),
        ((4000, 300), (12, 1)),
        ((300, 4000), (1, 12)),
        ((3, 2), (3, 2)),
        ((10, 11), (1, 1)),
        ((5, 4), (4, 3)),
        ((100_000, 1), (12, 1)),
        ((1, 100_000), (1, 12)),
    ],
)
def test_the_grid_is_the_one_of_the_nearest_shape(size: tuple[int, int], grid: tuple[int, int]) -> None:
    assert grid_of(*size) == grid


def test_there_are_all_the_grids_of_up_to_twelve_tiles() -> None:
    assert len(set(_GRIDS)) == len(_GRIDS) == 35
    assert {columns * rows for columns, rows in _GRIDS} == set(range(1, MAX_TILES + 1))
    products = [columns * rows for columns, rows in _GRIDS]
    assert products == sorted(products)


def test_no_image_is_nearest_to_two_grids_of_equally_many_tiles() -> None:
    shapes = sorted({Fraction(columns, rows) for columns, rows in _GRIDS})
    for lower, upper in pairwise(shapes):
        tiles_of_lower = {i * j for i, j in _GRIDS if Fraction(i, j) == lower}
        tiles_of_upper = {i * j for i, j in _GRIDS if Fraction(i, j) == upper}
        assert not tiles_of_lower & tiles_of_upper


def test_between_two_shapes_a_large_image_takes_the_larger_grid_and_a_small_one_the_smaller() -> None:
    # 7:2 lies half way between 3:1 and 4:1, in numbers that floats hold exactly.
    assert grid_of(7, 2) == (3, 1)
    assert grid_of(1750, 500) == (4, 1)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 9), (30, 17), (448, 448), (640, 480), (1000, 400), (4000, 300), (300, 4000)]
)
def test_tiles_are_the_stretched_image_row_by_row_and_then_the_thumbnail(size: tuple[int, int]) -> None:
    image = noise(*size)
    pixels, (columns, rows) = tile(image)
    stretched = image.resize((columns * TILE, rows * TILE))
    expected = [
        stretched.crop((c * TILE, r * TILE, (c + 1) * TILE, (r + 1) * TILE))
        for r in range(rows)
        for c in range(columns)
    ]
    if len(expected) > 1:
        expected.append(image.resize((TILE, TILE)))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (len(expected), TILE, TILE, 3)
    for cut, plain in zip(pixels, expected, strict=True):
        assert np.array_equal(cut, np.asarray(plain))


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK"])
def test_other_modes_are_tiled_as_their_rgb_image(mode: str) -> None:
    image = noise(50, 20, mode)
    assert np.array_equal(tile(image).pixels, tile(image.convert("RGB")).pixels)
