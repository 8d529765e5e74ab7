"""The component `hog`: edges must run where and as they do in the target."""

from __future__ import annotations

import math
import time

import pytest
from PIL import Image, ImageChops, ImageDraw

from vincicoder.reward.components.hog import Hog

SIDE = 384  # so that nothing is resized


def lines(*strokes: tuple[int, int, int, int], size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    image = Image.new("L", size, 255)
    for stroke in strokes:
        ImageDraw.Draw(image).line(stroke, fill=0)
    return image.convert("RGB")


def alike(target: Image.Image, render: Image.Image) -> float:
    hog = Hog()
    return hog(render, hog.prepare(target))


UPRIGHT, LEVEL = lines((100, 0, 100, SIDE)), lines((0, 100, SIDE, 100))


def test_a_histogram_holds_the_strength_of_the_edges_by_orientation() -> None:
    histograms = Hog().prepare(UPRIGHT).histograms.reshape(32, 32, 8)
    # A black line of one pixel has a step of 1 on either side, so 24 in each cell of 12 rows; the root is stored.
    assert histograms[:, 8, 0] == pytest.approx(math.sqrt(24))
    histograms[:, 8, 0] = 0
    assert not histograms.any()
    assert Hog().prepare(LEVEL).histograms.reshape(32, 32, 8)[8, :, 4] == pytest.approx(math.sqrt(24))


def test_known_values() -> None:
    assert alike(UPRIGHT, UPRIGHT) == 1
    # Nothing of 24 is found in any cell that counts: 0.3 / 24.3
    assert alike(UPRIGHT, lines()) == alike(lines(), UPRIGHT) == pytest.approx(0.3 / 24.3)
    # Half of the line is found, and each half counts as much.
    assert alike(UPRIGHT, lines((100, 0, 100, 191))) == pytest.approx((1 + 0.3 / 24.3) / 2, abs=0.01)
    # Half as dark: the histograms' product is 24 / sqrt(2)
    pale = UPRIGHT.point(lambda value: 255 if value else 127)
    assert alike(UPRIGHT, pale) == pytest.approx((24 / math.sqrt(2) + 0.3) / 24.3, abs=0.01)


def test_two_empty_images_are_alike() -> None:
    assert alike(lines(), Image.new("RGB", (SIDE, SIDE), "red")) == 1


def test_the_direction_of_an_edge_counts_and_not_which_side_is_dark() -> None:
    steps = Image.new("RGB", (SIDE, SIDE), "white")
    steps.paste("black", (0, 0, 200, SIDE))
    assert alike(steps, ImageChops.invert(steps)) == 1
    grid, diagonals = (
        lines(*[stroke(place) for place in range(0, SIDE, 24)])
        for stroke in (lambda at: (at, 0, at, SIDE), lambda at: (at, 0, at + SIDE, SIDE))
    )
    assert alike(grid, diagonals) < 0.5


def drawing(scale: int = 1) -> Image.Image:
    image = Image.new("RGB", (400 * scale, 300 * scale), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse([scale * each for each in (40, 40, 160, 160)], fill="navy")
    draw.rectangle([scale * each for each in (200, 60, 360, 240)], outline="black", width=3 * scale)
    draw.line([scale * each for each in (20, 280, 380, 200)], fill="red", width=2 * scale)
    return image


def shifted(image: Image.Image, by: int, size: float = 1.0) -> Image.Image:
    """Return an image moved to the right, and smaller or larger, on white."""
    page = Image.new("RGB", image.size, "white")
    page.paste(image.resize((round(image.width * size), round(image.height * size))), (by, 0))
    return page


def test_edges_that_are_all_moved_or_stretched_together_are_moved_back_at_a_price() -> None:
    square = Image.new("RGB", (SIDE, SIDE), "white")
    square.paste("black", (96, 96, 288, 288))
    scores = [alike(square, shifted(square, by)) for by in (0, 6, 24, 60)]
    # The frame holds all but 2 % of the edges on each side, so it is moved by as much; moved back, all is the same.
    assert scores == pytest.approx([math.exp(-((by / SIDE / 0.2) ** 2)) for by in (0, 6, 24, 60)], abs=0.01)
    assert alike(square, shifted(square, 0, 0.9)) > 0.7
    assert alike(square, shifted(square, 150)) < 0.3


def test_shapes_of_another_kind_are_no_more_alike_for_being_moved_back() -> None:
    circle, square = (Image.new("RGB", (SIDE, SIDE), "white") for _ in range(2))
    ImageDraw.Draw(circle).ellipse((60, 60, 252, 252), fill="black")
    ImageDraw.Draw(square).rectangle((110, 90, 302, 282), fill="black")
    assert alike(circle, square) < 0.65 < 0.95 < alike(circle, shifted(circle, 12))


def test_an_image_with_an_edge_in_one_line_alone_has_no_frame_to_move() -> None:
    flat = Image.new("RGB", (SIDE, SIDE), "white")
    flat.paste("black", (0, 0, 192, SIDE))
    assert alike(flat, lines()) < 0.1
    assert alike(lines(), flat) < 0.1


def test_the_coarser_the_mosaic_the_lower_the_score() -> None:
    target = drawing()
    scores = [alike(target, target.resize((side, side * 3 // 4)).resize(target.size, 0)) for side in (400, 100, 40, 16)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1)
    assert scores[-1] < 0.5


def test_a_shift_by_one_pixel_and_another_resolution_cost_little() -> None:
    assert alike(drawing(), ImageChops.offset(drawing(), 1, 0)) > 0.85
    assert alike(drawing(2), drawing(2).resize((400, 300)).resize((800, 600))) > 0.9


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 2), (4000, 4000)])
def test_any_size_is_measured_in_a_second(size: tuple[int, int]) -> None:
    target = lines((0, 0, size[0] // 2, size[1] - 1), size=size)
    started = time.process_time()
    assert alike(target, target) == pytest.approx(1)
    assert 0 <= alike(target, Image.effect_noise(size, 200).convert("RGB")) <= 1
    assert time.process_time() - started < 2
