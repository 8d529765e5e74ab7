"""Pixels are those of the image, whether Pillow shares its memory or not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vincicoder.similarity.pixels import pixels
from vincicoder.similarity.tiling import TILE, grid_of, tile

SIZES = ((1, 1), (7, 300), (640, 480), (2100, 2000))  # the last one is more than Pillow keeps in one piece


def noise(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(width).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_those_of_the_image(size: tuple[int, int]) -> None:
    image = noise(*size)
    assert np.ascontiguousarray(pixels(image)).tobytes() == image.tobytes()


@pytest.mark.parametrize("size", SIZES)
def test_tiles_are_cut_as_by_crop(size: tuple[int, int]) -> None:
    image = noise(*size)
    columns, rows = grid_of(*size)
    stretched = image.resize((columns * TILE, rows * TILE), Image.Resampling.BICUBIC)
    corners = [(column * TILE, row * TILE) for row in range(rows) for column in range(columns)]
    expected = [stretched.crop((left, top, left + TILE, top + TILE)) for left, top in corners]
    if len(expected) > 1:
        expected.append(image.resize((TILE, TILE), Image.Resampling.BICUBIC))
    assert tile(image).pixels.tobytes() == b"".join(each.tobytes() for each in expected)


def test_pixels_outlive_their_image() -> None:
    found = pixels(Image.new("RGB", (50, 50), "teal"))
    Image.new("RGB", (50, 50), "red")
    assert np.ascontiguousarray(found).tobytes() == Image.new("RGB", (50, 50), "teal").tobytes()


def test_an_older_pillow_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Image.Image, "__arrow_c_array__", raising=False)
    image = noise(30, 20)
    assert np.ascontiguousarray(pixels(image)).tobytes() == image.tobytes()
