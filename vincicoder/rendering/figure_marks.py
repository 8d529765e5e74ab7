"""What a matplotlib figure plots: its lines, bars, wedges, points, areas and cells, with their places in the image.

Read from the artists right after they were drawn, while their transforms are those of the file. Axes, ticks, grids and
legends are no data and are left out. All of it is under the control of the code, so that nothing here may fail.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from typing import Any

from vincicoder.rendering.facts import MAX_MARKS, Mark, Point

_MOST_CELLS = 400
"""Cells of a grid; one with more is an image, not data that can be read."""
_NOTHING = ("None", "none", " ", "", None)
_FAINT = 0.02
"""Opacity below which nothing is to be seen."""


def figure_marks(figure: Any, renderer: Any) -> list[Mark]:
    """Return what a figure plots, in pixels of the renderer that has just drawn it.

    Args:
        figure: matplotlib's figure.
        renderer: What it was drawn with.
    """
    marks: list[Mark] = []
    with contextlib.suppress(BaseException):  # the image counts; what raises goes without, also what exits
        _, height = renderer.get_canvas_width_height()
        for artist, read in _artists(figure):
            with contextlib.suppress(BaseException):
                left, bottom, right, top = _seen_part(artist)
                for width, points in read(artist):
                    inside = ((min(max(x, left), right), min(max(y, bottom), top)) for x, y in points)
                    corners = tuple((float(x), height - float(y)) for x, y in inside)
                    marks.append(Mark(corners, width == _AREA, float(width)))
                    if len(marks) == MAX_MARKS:
                        return marks
    return marks


_AREA = 0
_Shapes = Iterator[tuple[float, Any]]
"""How wide each line is, in pixels, or `_AREA`; and the points of each shape."""


def _artists(figure: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each plotted artist with the function that reads it."""
    for axes in figure.axes:
        if not axes.get_visible() or getattr(axes, "_colorbar", None) is not None:
            continue
        for artists, read in (
            (axes.patches, _patch),
            (axes.lines, _line),
            (axes.collections, _collection),
            (axes.images, _image),
        ):
            for artist in artists:
                if _is_seen(artist):
                    yield artist, read


def _seen_part(artist: Any) -> tuple[float, float, float, float]:
    """Return the edges at which an artist is cut off, in pixels: mostly those of its axes."""
    if artist.get_clip_on():
        left, bottom, right, top = artist.axes.bbox.extents
        return float(left), float(bottom), float(right), float(top)
    return -math.inf, -math.inf, math.inf, math.inf


def _is_seen(artist: Any) -> bool:
    alpha = artist.get_alpha()  # one number, one for each part, or None
    return bool(artist.get_visible()) and not (isinstance(alpha, int | float) and alpha <= _FAINT)


def _line(line: Any) -> _Shapes:
    points = line.get_transform().transform(line.get_path().vertices)
    if line.get_linestyle() not in _NOTHING and line.get_linewidth() > 0:
        for part in _parts(points):
            if len(part) > 1:
                yield _pixels(line, line.get_linewidth()), part
    elif line.get_marker() not in _NOTHING:
        radius = line.get_markersize() * line.figure.dpi / 144
        for part in _parts(points):
            for x, y in part:
                yield _AREA, _box(x - radius, y - radius, x + radius, y + radius)


def _parts(points: Any) -> Iterator[list[Point]]:
    """Yield the parts of a line, which breaks where a value is missing."""
    part: list[Point] = []
    for x, y in points.tolist():
        if x - x == 0 and y - y == 0:  # a finite number
            part.append((x, y))
        elif part:
            yield part
            part = []
    if part:
        yield part


def _patch(patch: Any) -> _Shapes:
    filled = bool(patch.get_fill()) and patch.get_facecolor()[3] > _FAINT
    if filled or (patch.get_linewidth() > 0 and patch.get_edgecolor()[3] > _FAINT):
        width = _AREA if filled else _pixels(patch, patch.get_linewidth())
        for polygon in _polygons(patch.get_path(), patch.get_transform()):
            yield width, polygon


def _pixels(artist: Any, points: float) -> float:
    """Return how many pixels wide a line is; never 0."""
    return max(float(points), 0.01) * float(artist.figure.dpi) / 72


def _polygons(path: Any, transform: Any) -> list[list[Point]]:
    """Return the outlines of a path; only the corners of one that has no curves."""
    placed = transform.transform_path(path)  # axes may be polar, or logarithmic
    return [polygon.tolist() for polygon in placed.to_polygons(closed_only=False) if len(polygon) > 1]


def _collection(collection: Any) -> _Shapes:
    if hasattr(collection, "get_coordinates"):
        yield from _cells(collection.get_transform().transform(collection.get_coordinates().reshape(-1, 2)).reshape(
            collection.get_coordinates().shape
        ))  # fmt: skip
        return
    faces = collection.get_facecolor()
    filled = len(faces) > 0 and bool((faces[:, 3] > _FAINT).any())
    width = _AREA if filled else _pixels(collection, max(collection.get_linewidth(), default=1))
    paths, own = collection.get_paths(), collection.get_transforms()
    offsets = collection.get_offsets()
    if not len(own):  # the paths are where they are
        for path in paths:
            for polygon in _polygons(path, collection.get_transform()):
                yield width, polygon
        return
    affine = sys.modules["matplotlib.transforms"].Affine2D
    boxes: dict[tuple[int, int], Any] = {}
    places = collection.get_offset_transform().transform(offsets).tolist()
    for index, (x, y) in enumerate(places[:MAX_MARKS]):
        key = index % len(paths), index % len(own)
        if key not in boxes:
            boxes[key] = paths[key[0]].get_extents(affine(own[key[1]])).extents.tolist()
        left, bottom, right, top = boxes[key]
        if x - x == 0 and y - y == 0:
            yield width, _box(x + left, y + bottom, x + right, y + top)


def _image(image: Any) -> _Shapes:
    rows, columns = image.get_array().shape[:2]
    if rows * columns > _MOST_CELLS:
        return
    left, right, bottom, top = image.get_extent()
    if image.origin == "upper":
        bottom, top = top, bottom
    numpy = sys.modules["numpy"]
    corners = numpy.meshgrid(numpy.linspace(left, right, columns + 1), numpy.linspace(bottom, top, rows + 1))
    yield from _cells(image.axes.transData.transform(numpy.dstack(corners).reshape(-1, 2)).reshape(
        rows + 1, columns + 1, 2
    ))  # fmt: skip


def _cells(corners: Any) -> _Shapes:
    """Yield each cell of a grid, given its corners, shape ``[rows + 1, columns + 1, 2]``."""
    rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
    if rows * columns > _MOST_CELLS:
        return
    for row in range(rows):
        for column in range(columns):
            corner = corners[row : row + 2, column : column + 2]
            yield _AREA, [corner[0, 0], corner[0, 1], corner[1, 1], corner[1, 0]]


def _box(left: float, bottom: float, right: float, top: float) -> list[Point]:
    return [(left, bottom), (right, bottom), (right, top), (left, top)]
