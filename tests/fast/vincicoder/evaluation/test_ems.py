"""Earth mover's similarity: exact where it can be worked out by hand; equal to the plain computation elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vincicoder.evaluation.metrics import ems_resized
from vincicoder.evaluation.metrics.ems import METRIC
from vincicoder.similarity import ems


def page(size: tuple[int, int], *boxes: tuple[int, int, int, int], ground: str = "white", ink: str = "black"):
    image = Image.new("RGB", size, ground)
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, ink)
    return image


def scores(target, render):
    return METRIC.measure(target, render, ems.prepare(target))


def test_equal_images_give_the_maximum():
    target = page((80, 60), (3, 5, 30, 22), (50, 40, 61, 55))
    assert scores(target, target.copy()) == {"ems": 1.0}


@pytest.mark.parametrize(("ground", "opposite"), [("white", "black"), ("black", "white"), ("navy", "white")])
def test_a_constant_image_of_the_opposite_colour_gives_0(ground, opposite):
    target = page((48, 40), (8, 8, 20, 30), ground=ground, ink="red")
    assert scores(target, page((48, 40), ground=opposite))["ems"] == pytest.approx(0, abs=1e-6)


def test_a_shifted_patch_costs_its_way():
    """Of two patches, one is black: moving it costs half of (8 pixels / (16 + 8)) in either direction."""
    left, right = page((16, 8), (0, 0, 7, 7)), page((16, 8), (8, 0, 15, 7))
    assert ems.distance(left, right) == pytest.approx(0.5 * 8 / 24, abs=1e-6)


def test_a_grey_patch_costs_its_difference():
    grey = page((8, 8), ground="#333333")
    assert ems.distance(grey, page((8, 8))) == pytest.approx(1 - 0x33 / 255, abs=1e-6)


def test_ink_nearer_to_its_place_scores_higher():
    target, near, far = (page((80, 80), (left, 0, left + 7, 7)) for left in (0, 8, 72))
    assert scores(target, near)["ems"] > scores(target, far)["ems"]


def test_the_distances_that_are_left_out_change_nothing(monkeypatch):
    """With 0 as the lower bound, every distance that could matter is computed."""
    random = np.random.default_rng(7)
    boxes = [tuple(sorted(random.integers(0, 40, 2))) + tuple(sorted(random.integers(0, 40, 2))) for _ in range(12)]
    drawn = [(x0, y0, x1, y1) for x0, x1, y0, y1 in boxes]
    first, second = page((40, 40), *drawn[:6], ink="#a03050"), page((40, 40), *drawn[6:], ink="teal")
    quick = ems.distance(first, second)
    monkeypatch.setattr(ems, "_lower_bound", lambda a, b: np.zeros((len(a), len(b))))
    assert quick == pytest.approx(ems.distance(first, second), abs=1e-6)


def test_sizes_that_differ_are_padded_or_resized():
    target, half = page((64, 64), (8, 8, 39, 39)), page((32, 32), (4, 4, 19, 19))
    assert scores(target, half) == pytest.approx(scores(target, page((64, 64), (4, 4, 19, 19))), abs=1e-6)
    resized = ems_resized.measure(target, half, ems.prepare(target))["ems_resized"]
    assert resized == pytest.approx(ems.ems(half.resize((64, 64)), target), abs=1e-6)


@pytest.mark.parametrize(
    ("size", "reduced"), [((64, 64), (64, 64)), ((80, 80), (80, 80)), ((800, 800), (80, 80)), ((1600, 400), (160, 40))]
)
def test_an_image_has_at_most_a_hundred_patches(size, reduced):
    assert ems._reduced(size) == reduced


def test_a_failure_counts_as_0():
    assert METRIC.failed == {"ems": 0.0}
