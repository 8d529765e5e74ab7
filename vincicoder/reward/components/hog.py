"""Where lines and edges run: histograms of oriented gradients, cell by cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

_Floats = npt.NDArray[np.float32]

_LONGEST_SIDE = 384
_CELL = 12
_ORIENTATIONS = 8
_SOFTENING = 0.3  # energy of a cell, in black edges of one pixel, below which differences fade: noise is no shape


class Hog:
    """Compare the directions of edges, cell by cell; a fine mosaic has the target's colours but not its edges.

    Images are brought to a longest side of 384 px and cut into cells of 12 px with 8 orientations each. Cells count by
    the strength of their edges, in the target or in the render, whichever is larger.

    Example:
        >>> hog, target = Hog(), Image.new("RGB", (384, 384), "white")
        >>> target.paste("black", (96, 96, 288, 288))
        >>> hog(target, hog.prepare(target))
        1.0
    """

    def prepare(self, target: Image.Image) -> _Floats:
        """Return the target's histograms, float32, shape ``[cells, 8]``."""
        return _histograms(target)

    def __call__(self, render: Image.Image, prepared: _Floats) -> float:
        """Return the similarity, in [0, 1]."""
        wanted, found = prepared.astype(np.float64), _histograms(render).astype(np.float64)
        energy = np.maximum((wanted**2).sum(axis=1), (found**2).sum(axis=1))
        total = float(energy.sum())
        if not total:  # there is no edge in either
            return 1.0
        alike = ((wanted * found).sum(axis=1) + _SOFTENING) / (energy + _SOFTENING)
        return min(1.0, float(energy @ alike) / total)


def _histograms(image: Image.Image) -> _Floats:
    """Return the square roots of each cell's histogram of gradients by orientation, shape ``[cells, 8]``."""
    scale = _LONGEST_SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    grey = np.asarray(image.convert("L").resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255
    padded = np.pad(grey, 1, mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    # Bins are centred on the axes, so that noise does not throw level and upright lines from one bin into another.
    bins = np.rint(np.arctan2(down, across) * (_ORIENTATIONS / np.pi)).astype(np.intp) % _ORIENTATIONS
    columns, rows = -(-width // _CELL), -(-height // _CELL)
    cells = np.arange(height)[:, None] // _CELL * columns + np.arange(width) // _CELL
    strengths = np.bincount(
        (cells * _ORIENTATIONS + bins).ravel(), np.hypot(across, down).ravel(), columns * rows * _ORIENTATIONS
    )
    return np.sqrt(strengths).reshape(-1, _ORIENTATIONS).astype(np.float32)


COMPONENT = Hog
