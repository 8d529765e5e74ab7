"""SSIM of UniSVG: over RGB, in windows of 7 x 7 pixels that lie inside the image."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from vincicoder.evaluation.metrics import Metric

Array = np.ndarray[Any, Any]

_WINDOW = 7
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def measure(target: Image.Image, render: Image.Image) -> Mapping[str, float]:
    """Return the mean structural similarity; 0 for images that differ in size or are smaller than a window."""
    return {"ssim": ssim(np.asarray(target), np.asarray(render))}


def ssim(first: Array, second: Array) -> float:
    """Return the structural similarity of two images of uint8, shape [height, width, channels].

    Sums over windows are taken in whole numbers, so nothing is rounded before variances are formed.

    Example:
        >>> ssim(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9, 3), np.uint8))
        1.0
    """
    side = min(*first.shape[:2], *second.shape[:2])
    window = min(_WINDOW, side // 2 * 2 + 1)
    if first.shape != second.shape or window > side or window == 1:  # one pixel has no variance
        return 0.0
    a, b = first.astype(np.int32), second.astype(np.int32)  # 49 squares of 255 are far from its limit
    count = window * window
    mean_a, mean_b = _sums(a, window) / count, _sums(b, window) / count
    squares = (_sums(each, window) / count for each in (a * a, b * b, a * b))
    correction = count / (count - 1)  # to the variance of a sample
    var_a, var_b, covariance = (
        correction * (square - product)
        for square, product in zip(squares, (mean_a**2, mean_b**2, mean_a * mean_b), strict=True)
    )
    likeness = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    likeness /= (mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)
    return float(likeness.mean())


def _sums(values: Array, window: int) -> Array:
    """Return the sums over all windows inside the image."""
    height, width = (size - window + 1 for size in values.shape[:2])
    # A few times faster than differences of running sums.
    rows: Array = functools.reduce(np.add, (values[start : start + height] for start in range(window)))
    return functools.reduce(np.add, (rows[:, start : start + width] for start in range(window)))


METRIC = Metric("ssim", ("ssim",), measure, {"ssim": 0.0}, verified="scikit-image, which the official code calls")
