"""SSIM: 1 for equal images, what its formula gives where nothing varies, and what the official script documents."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vincicoder.evaluation.metrics.ssim import METRIC
from vincicoder.similarity.ssim import ssim


def noise(seed: int, *shape: int):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def test_equal_images_give_the_maximum():
    image = Image.fromarray(noise(0, 40, 30))
    assert METRIC.measure(image, image.copy()) == {"ssim": 1.0}


@pytest.mark.parametrize(("first", "second"), [(0, 255), (100, 110), (255, 255)])
def test_constant_images_are_compared_by_their_levels(first, second):
    images = (np.full((20, 20, 3), level, np.uint8) for level in (first, second))
    c1 = (0.01 * 255) ** 2
    assert ssim(*images) == pytest.approx((2 * first * second + c1) / (first**2 + second**2 + c1))


def test_a_single_window_is_what_the_formula_says():
    first, second = noise(1, 7, 7), noise(2, 7, 7)
    channels = []
    for a, b in zip(first.reshape(-1, 3).T.astype(float), second.reshape(-1, 3).T.astype(float), strict=True):
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        covariance = np.cov(a, b)
        top = (2 * a.mean() * b.mean() + c1) * (2 * covariance[0, 1] + c2)
        channels.append(top / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2)))
    assert ssim(first, second) == pytest.approx(np.mean(channels))


def test_the_mean_is_over_all_windows_inside():
    first, second = noise(3, 9, 8), noise(4, 9, 8)
    windows = [ssim(first[y : y + 7, x : x + 7], second[y : y + 7, x : x + 7]) for y in range(3) for x in range(2)]
    assert ssim(first, second) == pytest.approx(np.mean(windows))


@pytest.mark.parametrize("shape", [(40, 31), (6, 6)])
def test_other_sizes_and_images_below_a_window_count_as_0(shape):
    assert ssim(noise(5, 40, 30) if shape != (6, 6) else noise(5, 6, 6), noise(5, *shape)) == 0.0


def test_a_failure_counts_as_0():
    assert METRIC.failed == {"ssim": 0.0}
