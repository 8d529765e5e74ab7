"""Images that travel compressed to an encoder that cuts them: every bit as if they had been cut here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vincicoder.similarity import Similarity, load_encoder
from vincicoder.similarity.packed import Packed
from vincicoder.similarity.tiling import fitted, tile

SIZES = [((64, 64), (64, 64)), ((640, 480), (1280, 960)), ((300, 900), (200, 610)), ((1, 1), (500, 3))]


def drawn(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    image = Image.effect_noise(size, 30).convert("RGB")
    ImageDraw.Draw(image).ellipse((0, 0, size[0] // 2, size[1]), fill="orange")
    return image.convert(mode)


class CutsItself:
    """The encoder `embedded`, as one in another process: it is sent images and keeps what it was sent."""

    name = "embedded"

    def __init__(self) -> None:
        self._encoder = load_encoder("embedded")
        self.sent: list[Packed] = []

    def encode(self, tiles: Any) -> Any:
        raise AssertionError("tiles were sent")

    def encode_images(self, images: Sequence[Packed]) -> list[Any]:
        self.sent += images
        return [self._encoder.encode(image.tiles()) for image in images]


@pytest.mark.parametrize(("size", "target"), SIZES)
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_tiles_are_equal_to_the_last_bit(size: tuple[int, int], target: tuple[int, int], mode: str) -> None:
    image = drawn(size, mode)
    packed = Packed.of(image, target)
    expected = tile(fitted(image, target)).pixels
    assert len(packed) == len(expected)
    assert np.array_equal(packed.tiles(), expected)


def test_comparisons_are_equal_and_a_target_travels_once() -> None:
    target = drawn((700, 300))
    renders = [drawn((700, 300)), drawn((350, 150)), target]
    here, there = Similarity(load_encoder("embedded")), Similarity(CutsItself())
    results = [
        similarity.compare([similarity.prepare(target, render, "key") for render in renders])
        for similarity in (here, there)
    ]
    assert results[0] == results[1]
    assert isinstance(there.encoder, CutsItself)
    assert len(there.encoder.sent) == 4
    there.compare([there.prepare(target, renders[0], "key")])
    assert len(there.encoder.sent) == 5
    assert (there.hits, there.misses, there.tiles) == (3, 1, here.tiles + len(there.encoder.sent[-1]))


def test_a_chart_takes_less_than_a_tenth_of_a_megabyte() -> None:
    chart = Image.new("RGB", (1280, 960), "white")
    draw = ImageDraw.Draw(chart)
    for bar in range(12):
        draw.rectangle((100 * bar, 900 - 60 * bar, 100 * bar + 70, 900), fill=(40, 20 * bar, 160))
    packed = Packed.of(chart, (1280, 960))
    assert len(packed.content) < 100_000 < packed.tiles().nbytes / 50
