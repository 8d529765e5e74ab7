"""How alike colours look: CIEDE2000, as the benchmarks use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_XYZ = np.array([[0.412424, 0.357579, 0.180464], [0.212656, 0.715158, 0.0721856], [0.0193324, 0.119193, 0.950444]])
_D65 = np.array([0.95047, 1.0, 1.08883])
_LINEAR = 216 / 24389  # below it, the cube root of Lab is replaced by a line
_FAR = 25.0**7


def similarity(first: Sequence[Sequence[float]] | Array, second: Sequence[Sequence[float]] | Array) -> Array:
    """Return max(0, 1 - ΔE2000 / 100) between each of the first and each of the second colours.

    Args:
        first: sRGB colours, 0 to 255, shape [n, 3].
        second: Likewise, shape [m, 3].

    Example:
        >>> similarity([[0, 0, 0]], [[0, 0, 0], [255, 255, 255]]).round(4).tolist()
        [[1.0, 0.0]]
    """
    return np.maximum(0, 1 - difference(first, second) / 100)


def difference(first: Sequence[Sequence[float]] | Array, second: Sequence[Sequence[float]] | Array) -> Array:
    """Return CIEDE2000 between sRGB colours; arguments and shape as for `similarity`.

    The mean of two hues is taken without regard to a colour that has none (grey), as colormath does, which the
    official implementations use.
    """
    light1, a1, b1 = _lab(first).T[:, :, None]
    light2, a2, b2 = _lab(second).T[:, None, :]
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + _FAR)))
    a1, a2 = stretch * a1, stretch * a2
    chroma1, chroma2 = np.hypot(a1, b1), np.hypot(a2, b2)
    chroma = (chroma1 + chroma2) / 2
    hue1, hue2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = hue2 - hue1
    far = np.abs(turn) > 180
    hue = (hue1 + hue2 + 360 * far) / 2
    turn = turn - 360 * far * np.sign(turn)

    def cosine(factor: float, offset: float) -> Array:
        return np.asarray(np.cos(np.radians(factor * hue + offset)))

    spread = 1 - 0.17 * cosine(1, -30) + 0.24 * cosine(2, 0) + 0.32 * cosine(3, 6) - 0.2 * cosine(4, -63)
    middle = ((light1 + light2) / 2 - 50) ** 2
    light = (light2 - light1) / (1 + 0.015 * middle / np.sqrt(20 + middle))
    saturation = (chroma2 - chroma1) / (1 + 0.045 * chroma)
    tone = 2 * np.sqrt(chroma1 * chroma2) * np.sin(np.radians(turn) / 2) / (1 + 0.015 * chroma * spread)
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + _FAR))
    rotation = rotation * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return np.asarray(np.sqrt(np.maximum(0, light**2 + saturation**2 + tone**2 + rotation * saturation * tone)))


def _lab(colours: Sequence[Sequence[float]] | Array) -> Array:
    """Return Lab under D65 of sRGB colours."""
    values = np.asarray(colours, np.float64).reshape(-1, 3) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    scaled = linear @ _XYZ.T / _D65
    x, y, z = np.where(scaled > _LINEAR, np.cbrt(scaled), 7.787 * scaled + 16 / 116).T
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=1)
