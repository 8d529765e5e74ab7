"""Similarity where something is drawn, stretched so that an empty page scores 0."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from vincicoder.similarity import Comparison, background_of, grid_of

_Floats = npt.NDArray[np.float64]
_Colour = tuple[int, int, int]

_VISIBLE = 20
"""Largest difference from the background, in any channel from 0 to 255, that is not ink."""


class Stretched:
    """Weigh tiles by their ink, and measure from what a page of the target's background colour would score.

    Most of a page is empty, and empty tiles are always alike. So each tile counts by the square root of its share of
    ink, in the target or in the render, whichever is larger.

    Args:
        coarse_weight: Share of the thumbnails, in [0, 1]; the tiles have the rest.

    Example:
        >>> stretched, target = Stretched(), Image.new("RGB", (448, 448), "white")
        >>> target.paste("black", (0, 0, 224, 448))
        >>> half_right, blank = (Comparison(each, each, (1, 1), (each,)) for each in (0.8, 0.6))
        >>> round(stretched(target, half_right, blank, stretched.prepare(target)), 6)
        0.5
    """

    def __init__(self, coarse_weight: float = 0.25) -> None:
        if not 0 <= coarse_weight <= 1:
            raise ValueError("coarse_weight must be in [0, 1]")
        self._coarse_weight = coarse_weight

    def prepare(self, target: Image.Image) -> tuple[_Colour, _Floats]:
        """Return the target's background colour and the share of ink in each of its tiles."""
        background = background_of(target)
        return background, _ink(target, background, grid_of(*target.size))

    def __call__(
        self,
        render: Image.Image,
        comparison: Comparison,
        blank_comparison: Comparison,
        prepared: tuple[_Colour, _Floats],
    ) -> float:
        """Return the stretched similarity, in [0, 1]."""
        background, wanted = prepared
        found = _ink(render, background, comparison.grid)
        score = self._similarity(comparison, np.maximum(wanted, found))
        baseline = self._similarity(blank_comparison, wanted)
        if baseline > 1 - 1e-6:  # the target itself is empty, so there is nothing to measure from
            return score
        return float(np.clip((score - baseline) / (1 - baseline), 0.0, 1.0))

    def _similarity(self, comparison: Comparison, ink: _Floats) -> float:
        weights = np.sqrt(ink)
        total = float(weights.sum())
        tiles = float(weights @ np.array(comparison.tiles)) / total if total else comparison.fine
        return min(1.0, (1 - self._coarse_weight) * tiles + self._coarse_weight * comparison.coarse)


def _ink(image: Image.Image, background: _Colour, grid: tuple[int, int]) -> _Floats:
    """Return the share of each tile that differs visibly from the background, row by row."""
    red, green, blue = ImageChops.difference(image, Image.new("RGB", image.size, background)).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    ink = largest.point([0.0] * (_VISIBLE + 1) + [1.0] * (255 - _VISIBLE)).convert("F")
    return np.asarray(ink.resize(grid, Image.Resampling.BOX), np.float64).ravel()


COMPONENT = Stretched
