"""Where lines and edges run: histograms of oriented gradients, cell by cell."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

_Floats = npt.NDArray[np.float32]

_LONGEST_SIDE = 384
_CELL = 12
_ORIENTATIONS = 8
_SOFTENING = 0.3  # energy of a cell, in black edges of one pixel, below which differences fade: noise is no shape
_MOST = (0.02, 0.98)  # shares of all edges, from left to right and from top to bottom, between which the frame is
_MOVED = 0.2
"""Distance, as a share of the image, over which all edges are moved together at which a match counts 1 / e."""
_NEARLY = 0.98  # from here on it is not worth it to move anything back


class Edges(NamedTuple):
    """The edges of an image.

    Attributes:
        histograms: The square roots of each cell's histogram by orientation, float32, shape ``[cells, 8]``.
        frame: Left, top, right and bottom of most edges, in pixels of the image of 384 px; all 0 where there are none.
    """

    histograms: _Floats
    frame: tuple[float, float, float, float]


class Hog:
    """Compare the directions of edges, cell by cell; a fine mosaic has the target's colours but not its edges.

    Images are brought to a longest side of 384 px and cut into cells of 12 px with 8 orientations each. Cells count by
    the strength of their edges, in the target or in the render, whichever is larger. Edges that are all moved or
    stretched together are moved back first, at a price: the frame of most of them is put where the target's is.

    Example:
        >>> hog, target = Hog(), Image.new("RGB", (384, 384), "white")
        >>> target.paste("black", (96, 96, 288, 288))
        >>> hog(target, hog.prepare(target))
        1.0
        >>> moved = Image.new("RGB", (384, 384), "white")
        >>> moved.paste("black", (120, 96, 312, 288))
        >>> round(hog(moved, hog.prepare(target)), 2)
        0.91
    """

    def prepare(self, target: Image.Image) -> Edges:
        """Return the target's edges."""
        return _edges(_small(target))

    def __call__(self, render: Image.Image, prepared: Edges) -> float:
        """Return the similarity, in [0, 1]."""
        small = _small(render)
        found = _edges(small)
        score = _alike(prepared.histograms, found.histograms)
        apart = max(abs(a - b) for a, b in zip(found.frame, prepared.frame, strict=True)) / _LONGEST_SIDE
        if score > _NEARLY or not apart or not _has_extent(found.frame) or not _has_extent(prepared.frame):
            return score
        moved = _alike(prepared.histograms, _edges(_moved(small, found.frame, prepared.frame)).histograms)
        return max(score, moved * math.exp(-((apart / _MOVED) ** 2)))


def _small(image: Image.Image) -> Image.Image:
    scale = _LONGEST_SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.convert("L").resize((width, height), Image.Resampling.BICUBIC)


def _alike(wanted: _Floats, found: _Floats) -> float:
    wanted, found = wanted.astype(np.float64), found.astype(np.float64)
    energy = np.maximum((wanted**2).sum(axis=1), (found**2).sum(axis=1))
    total = float(energy.sum())
    if not total:  # there is no edge in either
        return 1.0
    alike = ((wanted * found).sum(axis=1) + _SOFTENING) / (energy + _SOFTENING)
    return min(1.0, float(energy @ alike) / total)


def _edges(small: Image.Image) -> Edges:
    width, height = small.size
    padded = np.pad(np.asarray(small, np.float32) / 255, 1, mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    # Bins are centred on the axes, so that noise does not throw level and upright lines from one bin into another.
    bins = np.rint(np.arctan2(down, across) * (_ORIENTATIONS / np.pi)).astype(np.intp) % _ORIENTATIONS
    columns, rows = -(-width // _CELL), -(-height // _CELL)
    cells = np.arange(height)[:, None] // _CELL * columns + np.arange(width) // _CELL
    strength = np.hypot(across, down)
    sums = np.bincount((cells * _ORIENTATIONS + bins).ravel(), strength.ravel(), columns * rows * _ORIENTATIONS)
    histograms = np.sqrt(sums).reshape(-1, _ORIENTATIONS).astype(np.float32)
    (left, right), (top, bottom) = (_middle(strength.sum(axis=axis)) for axis in (0, 1))
    return Edges(histograms, (left, top, right, bottom))


def _middle(strengths: _Floats) -> tuple[float, float]:
    """Return the places between which most edges are."""
    reached = np.cumsum(strengths)
    first, last = np.interp(np.array(_MOST) * reached[-1], reached, np.arange(len(reached)))
    return float(first), float(last)


def _has_extent(frame: tuple[float, float, float, float]) -> bool:
    return frame[2] - frame[0] >= 1 and frame[3] - frame[1] >= 1


def _moved(
    small: Image.Image, frame: tuple[float, float, float, float], to: tuple[float, float, float, float]
) -> Image.Image:
    """Return an image with its frame where another one is, and the colour of its first corner around it."""
    across, down = (frame[2] - frame[0]) / (to[2] - to[0]), (frame[3] - frame[1]) / (to[3] - to[1])
    affine = (across, 0, frame[0] - across * to[0], 0, down, frame[1] - down * to[1])
    corner = small.getpixel((0, 0))
    return small.transform(
        small.size, Image.Transform.AFFINE, affine, resample=Image.Resampling.BILINEAR, fillcolor=corner
    )


COMPONENT = Hog
