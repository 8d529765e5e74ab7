"""Structural similarity (SSIM; Wang et al. 2004) over RGB, in windows of 7 x 7 pixels that lie inside the image."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_WINDOW = 7
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(first: Array, second: Array) -> float:
    """Return the mean structural similarity of two images of uint8, shape ``[height, width, channels]``.

    Images that differ in size, or are smaller than a window, have 0.

    All sums and their products are whole numbers, so nothing is rounded before variances are formed.

    Example:
        >>> ssim(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9, 3), np.uint8))
        1.0
    """
    side = min(*first.shape[:2], *second.shape[:2])
    window = min(_WINDOW, side // 2 * 2 + 1)
    if first.shape != second.shape or window > side or window == 1:  # one pixel has no variance
        return 0.0
    count = window * window
    ways = count * (count - 1)  # of a sample's variance
    a, b = first.astype(np.int32), second.astype(np.int32)  # 2 x 49 x 49 squares of 255 are below its limit
    sum_a, sum_b = (_sums(each.astype(np.uint16), window).astype(np.int32) for each in (first, second))
    means, mixed = sum_a * sum_a + sum_b * sum_b, sum_a * sum_b
    variances, covariance = count * _sums(a * a + b * b, window) - means, count * _sums(a * b, window) - mixed
    likeness = (mixed * (2 / count**2) + _C1) * (covariance * (2 / ways) + _C2)
    likeness /= (means * (1 / count**2) + _C1) * (variances * (1 / ways) + _C2)
    return float(likeness.mean())


def _sums(values: Array, window: int) -> Array:
    """Return the sums over all windows inside the image."""
    return np.swapaxes(_row_sums(np.swapaxes(_row_sums(values, window), 0, 1), window), 0, 1)


def _row_sums(values: Array, window: int) -> Array:
    """Return the sums of so many rows from each row on, made of sums of 1, 2 and 4 rows."""
    count = len(values) - window + 1
    total, taken = np.zeros_like(values[:count]), 0
    for size in (1, 2, 4):
        if window & size:
            total += values[taken : taken + count]
            taken += size
        if 2 * size <= window:
            values = values[:-size] + values[size:]
    return total
