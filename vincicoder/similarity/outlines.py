"""The shapes of an image as numbers that can be compared, and how far its pixels bear them out.

Renderers send the outlines of what the code drew, also of what is hidden or transparent. So each outline is looked for
in the pixels: along it, something must end. What colour a shape has is read there, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vincicoder.rendering.facts import Mark

if TYPE_CHECKING:
    from PIL import Image

Floats: TypeAlias = NDArray[np.float64]

PROFILE = 7
"""Places along an area at which its upper and its lower edge are noted."""
_EDGE_SAMPLES = 16
_ACROSS = (-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0)
"""Pixels from an outline, or from the edges of a line, at right angles to it, at which the image is looked at."""
_INNER = (0.3, 0.5, 0.7)  # parts of the way from the upper to the lower edge, where an area has its colour
_CONTRAST = 24
"""Largest difference in any channel that nobody sees as the end of something."""
_ENOUGH = 0.5
"""Share of an outline that has to be seen; the rest may be behind other shapes, or between dashes."""
_LARGEST = 0.9
"""Share of the image from which an area is its background."""


class Areas(NamedTuple):
    """The areas of an image. Lengths are shares of its width and height.

    Attributes:
        boxes: Left, top, right and bottom edge, shape ``[areas, 4]``.
        edges: The upper edge at `PROFILE` places from left to right, then the lower, shape ``[areas, 2 * PROFILE]``.
        colours: Red, green and blue, 0 to 255, shape ``[areas, 3]``.
        shown: How far the pixels bear each out, in [0, 1], shape ``[areas]``.
    """

    boxes: Floats
    edges: Floats
    colours: Floats
    shown: Floats


class Lines(NamedTuple):
    """The lines of an image. Lengths are shares of its width and height.

    Attributes:
        points: Points along each line at equal distances, shape ``[lines, samples, 2]``.
        corners: Its corners, the last one repeated, shape ``[lines, corners, 2]``.
        counts: How many corners each has, shape ``[lines]``.
        colours: Red, green and blue, 0 to 255, shape ``[lines, 3]``.
        shown: How far the pixels bear each out, in [0, 1], shape ``[lines]``.
    """

    points: Floats
    corners: Floats
    counts: Floats
    colours: Floats
    shown: Floats


def shapes_of(marks: Sequence[Mark], size: tuple[int, int], image: Image.Image) -> tuple[Areas, Lines]:
    """Return the areas and the lines of an image; areas that are its background are left out.

    Args:
        marks: What the renderer says.
        size: Width and height of the image that the renderer made.
        image: That image, perhaps brought to another size.

    Example:
        >>> from PIL import Image
        >>> page = Image.new("RGB", (100, 50), "white")
        >>> page.paste("red", (20, 10, 40, 30))
        >>> bar = Mark(((20, 10), (40, 10), (40, 30), (20, 30)), filled=True)
        >>> areas, lines = shapes_of([bar], page.size, page)
        >>> areas.boxes.tolist(), areas.colours.tolist(), areas.shown.tolist(), len(lines.shown)
        ([[0.2, 0.2, 0.4, 0.6]], [[255.0, 0.0, 0.0]], [1.0], 0)
    """
    pixels = np.asarray(image.convert("RGB"))
    scale = np.array([image.width / size[0], image.height / size[1]])
    areas = _areas(_padded([mark for mark in marks if mark.filled], scale), pixels)
    return areas, _lines(_padded([mark for mark in marks if not mark.filled], scale), pixels)


class _Outlines(NamedTuple):
    """Marks in pixels of the image: corners, filled up to the same number, how many there are, and widths of lines."""

    corners: Floats
    counts: Floats
    widths: Floats


def _padded(marks: Sequence[Mark], scale: Floats) -> _Outlines:
    """Return marks, with the corners of areas filled up with the first one and those of lines with the last one."""
    longest = max((len(mark.points) for mark in marks), default=1) + 1
    corners = np.empty((len(marks), longest, 2))
    for row, mark in enumerate(marks):
        corners[row, : len(mark.points)] = mark.points
        corners[row, len(mark.points) :] = mark.points[0 if mark.filled else -1]
    counts = np.array([float(len(mark.points)) for mark in marks])
    return _Outlines(corners * scale, counts, np.array([mark.width for mark in marks]) * np.sqrt(scale.prod()))


def _areas(outlines: _Outlines, pixels: NDArray[np.uint8]) -> Areas:
    corners = outlines.corners
    size = np.array([pixels.shape[1], pixels.shape[0]], np.float64)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    places, upper, lower = _profile(corners, boxes)
    seen_width = np.clip(boxes[:, 2], 0, size[0]) - np.clip(boxes[:, 0], 0, size[0])
    seen_height = (np.clip(lower, 0, size[1]) - np.clip(upper, 0, size[1])).mean(axis=1)
    kept = seen_width * seen_height < _LARGEST * size.prod()
    corners, boxes, places, upper, lower = (each[kept] for each in (corners, boxes, places, upper, lower))
    y = upper[:, :, None] + (lower - upper)[:, :, None] * np.array(_INNER)
    within = _at(pixels, np.broadcast_to(places[:, :, None], y.shape), y)
    colours = np.median(within, axis=(1, 2)) if len(boxes) else np.empty((0, 3))
    edges = np.concatenate([upper, lower], axis=1) / size[1]
    return Areas(boxes / np.tile(size, 2), edges, colours, _shown(_across(corners, np.zeros(len(corners)), pixels)))


def _lines(outlines: _Outlines, pixels: NDArray[np.uint8]) -> Lines:
    corners, counts, widths = outlines
    size = np.array([pixels.shape[1], pixels.shape[0]], np.float64)
    profiles = _across(corners, widths, pixels)
    beside = (profiles[:, :, :1] + profiles[:, :, -1:]) / 2
    strongest = np.abs(profiles - beside).sum(axis=3).argmax(axis=2)  # where the line itself is, whatever its width
    own = np.take_along_axis(profiles, strongest[:, :, None, None], axis=2)[:, :, 0]
    colours = np.median(own, axis=1) if len(corners) else np.empty((0, 3))
    points, _ = _along(corners, _EDGE_SAMPLES)
    return Lines(points / size, corners / size, counts, colours, _shown(profiles))


def _profile(corners: Floats, boxes: Floats) -> tuple[Floats, Floats, Floats]:
    """Return places from left to right, and the outline's highest and lowest points there, ``[areas, PROFILE]``."""
    left, top, right, bottom = (edge[:, None] for edge in boxes.T)
    places = left + (right - left) * (np.arange(PROFILE) + 0.5) / PROFILE
    start, end = corners[:, None, :-1], corners[:, None, 1:]
    x, width = places[:, :, None], end[..., 0] - start[..., 0]
    crossed = (np.minimum(start[..., 0], end[..., 0]) <= x) & (x <= np.maximum(start[..., 0], end[..., 0]))
    crossed &= width != 0
    part = (x - start[..., 0]) / np.where(width == 0, 1, width)
    y = start[..., 1] + part * (end[..., 1] - start[..., 1])
    upper = np.where(crossed, y, np.inf).min(axis=2)
    lower = np.where(crossed, y, -np.inf).max(axis=2)
    return places, np.where(np.isfinite(upper), upper, top), np.where(np.isfinite(lower), lower, bottom)


def _along(corners: Floats, count: int) -> tuple[Floats, Floats]:
    """Return points along outlines at equal distances, and unit vectors across them, ``[shapes, count, 2]`` each."""
    steps = np.diff(corners, axis=1)
    lengths = np.hypot(steps[..., 0], steps[..., 1])
    reached = np.cumsum(lengths, axis=1)
    wanted = reached[:, -1:] * (np.arange(count) + 0.5) / count
    index = np.minimum((reached[:, None, :] < wanted[:, :, None]).sum(axis=2), lengths.shape[1] - 1)
    rows = np.arange(len(corners))[:, None]
    length = np.maximum(lengths[rows, index], 1e-9)
    part = 1 - (reached[rows, index] - wanted) / length
    points = corners[rows, index] + np.clip(part, 0, 1)[..., None] * steps[rows, index]
    direction = steps[rows, index] / length[..., None]
    return points, np.stack([-direction[..., 1], direction[..., 0]], axis=2)


def _across(corners: Floats, widths: Floats, pixels: NDArray[np.uint8]) -> Floats:
    """Return the pixels across each outline at places along it, shape ``[shapes, samples, len(_ACROSS), 3]``."""
    points, normals = _along(corners, _EDGE_SAMPLES)
    away = np.array(_ACROSS) + np.sign(_ACROSS) * widths[:, None] / 2
    at = points[:, :, None] + normals[:, :, None] * away[:, None, :, None]
    return _at(pixels, at[..., 0], at[..., 1])


def _shown(profiles: Floats) -> Floats:
    """Return how far something ends along outlines, in [0, 1], shape ``[shapes]``."""
    ends = np.ptp(profiles, axis=2).max(axis=2) > _CONTRAST
    shown: Floats = np.clip(ends.mean(axis=1) / _ENOUGH, 0, 1)
    return shown


def _at(pixels: NDArray[np.uint8], x: Floats, y: Floats) -> Floats:
    """Return the pixels at these points; at the edge for those outside."""
    columns = np.clip(np.floor(x), 0, pixels.shape[1] - 1).astype(np.intp)
    rows = np.clip(np.floor(y), 0, pixels.shape[0] - 1).astype(np.intp)
    found: Floats = pixels[rows, columns].astype(np.float64)
    return found
