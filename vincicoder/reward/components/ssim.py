"""UniSVG's structural similarity, stretched so that an empty page scores 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from vincicoder.similarity import blank_page
from vincicoder.similarity.ssim import ssim

_Pixels = np.ndarray[Any, Any]


class Ssim:
    """Compare the pixels of small windows, as UniSVG's metric does.

    No preset contains it: it pays for what looks right pixel by pixel, which a fine mosaic does, and it hardly sees
    text. See the documentation of `vincicoder fidelity` for what it is worth.

    Args:
        longest_side: Pixels to which images are brought; smaller ones stay as they are.

    Example:
        >>> component, target = Ssim(), Image.new("RGB", (64, 64), "white")
        >>> target.paste("black", (16, 16, 48, 48))
        >>> component(target, target, component.prepare(target))
        1.0
    """

    def __init__(self, longest_side: int = 256) -> None:
        if longest_side < 8:
            raise ValueError("longest_side must be at least 8 pixels")
        self._longest_side = longest_side

    def prepare(self, target: Image.Image) -> float:
        """Return what a page of the target's background colour has."""
        return ssim(self._small(target), self._small(blank_page(target)))

    def __call__(self, target: Image.Image, render: Image.Image, prepared: float) -> float:
        """Return the stretched similarity, in [0, 1]."""
        score = ssim(self._small(target), self._small(render))
        if prepared > 1 - 1e-6:  # the target itself is empty, so there is nothing to measure from
            return max(0.0, score)
        return float(np.clip((score - prepared) / (1 - prepared), 0.0, 1.0))

    def _small(self, image: Image.Image) -> _Pixels:
        scale = min(1.0, self._longest_side / max(image.size))
        width, height = (max(1, round(side * scale)) for side in image.size)
        return np.asarray(image.resize((width, height), Image.Resampling.BOX))


COMPONENT = Ssim
