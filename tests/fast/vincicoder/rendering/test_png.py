"""Figures' PNG files hold what Pillow's would."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vincicoder.rendering.png import png_of


def opened(png: bytes) -> Image.Image:
    image: Image.Image = Image.open(io.BytesIO(png))
    image.load()
    return image


@pytest.mark.parametrize("size", [(1, 1), (33, 7), (640, 480)])
@pytest.mark.parametrize("dpi", [(100.0, 100.0), (72.27, 300.0)])
def test_it_opens_as_the_same_image(size: tuple[int, int], dpi: tuple[float, float]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4)).astype(np.uint8)
    image = Image.fromarray(noise)
    image.info["dpi"] = dpi
    pillows = io.BytesIO()
    image.save(pillows, "png", dpi=dpi)
    found, expected = opened(png_of(image)), opened(pillows.getvalue())
    assert (found.mode, found.size, found.info) == (expected.mode, expected.size, expected.info)
    assert found.tobytes() == image.tobytes()
