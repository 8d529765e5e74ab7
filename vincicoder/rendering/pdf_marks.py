"""The shapes of a PDF's page, as PDFium reads them. Runs where the PDF was made, as `pdf_text` does."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from typing import Any

from vincicoder.rendering.facts import MAX_MARKS, Mark, Point
from vincicoder.rendering.pdf_text import pixel_matrix

_MOST_OBJECTS = 5_000
_FAINT = 5
"""Opacity, of 255, below which nothing is to be seen."""
_STEPS = 8
"""Points along a curve."""


def page_marks(page: Any, size: tuple[int, int]) -> list[Mark]:
    """Return what a page fills or strokes, in pixels of its image; nothing where PDFium cannot read it.

    Args:
        page: The page, opened by pypdfium2.
        size: Width and height of its image in pixels.
    """
    from pypdfium2 import raw

    a, b, c, d, e, f = pixel_matrix(page.raw, size)
    marks: list[Mark] = []
    for index in range(min(raw.FPDFPage_CountObjects(page.raw), _MOST_OBJECTS)):
        shape = raw.FPDFPage_GetObject(page.raw, index)
        if raw.FPDFPageObj_GetType(shape) != raw.FPDF_PAGEOBJ_PATH:
            continue
        filled, painted = _painted(shape)
        width = 0.0 if filled else _width(shape) * math.sqrt(abs(a * d - b * c))
        for part in _parts(shape) if painted else ():
            marks.append(Mark(tuple((a * x + c * y + e, b * x + d * y + f) for x, y in part), filled, width))
            if len(marks) == MAX_MARKS:
                return marks
    return marks


def _painted(shape: Any) -> tuple[bool, bool]:
    """Return whether a path is filled, and whether it is painted at all."""
    from pypdfium2 import raw

    mode, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(shape, mode, stroke)
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    known = raw.FPDFPageObj_GetFillColor(shape, red, green, blue, alpha)
    filled = mode.value != raw.FPDF_FILLMODE_NONE and (not known or alpha.value > _FAINT)
    return filled, filled or bool(stroke.value)


def _width(shape: Any) -> float:
    """Return how wide the line of a path is, in points of the page."""
    from pypdfium2 import raw

    matrix, width = raw.FS_MATRIX(), ctypes.c_float()
    raw.FPDFPageObj_GetMatrix(shape, matrix)
    raw.FPDFPageObj_GetStrokeWidth(shape, width)
    return float(width.value) * math.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c))


def _parts(shape: Any) -> Iterator[list[Point]]:
    """Yield the parts of a path in points of the page, curves as points along them."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(shape, matrix)
    a, b, c, d, e, f = matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f
    part: list[Point] = []
    controls: list[Point] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(raw.FPDFPath_CountSegments(shape)):
        segment = raw.FPDFPath_GetPathSegment(shape, index)
        kind = raw.FPDFPathSegment_GetType(segment)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = a * x.value + c * y.value + e, b * x.value + d * y.value + f
        if kind == raw.FPDF_SEGMENT_MOVETO:
            if len(part) > 1:
                yield part
            part = [point]
        elif kind == raw.FPDF_SEGMENT_BEZIERTO:
            controls.append(point)
            if len(controls) == 3:
                part += _curve(part[-1], *controls) if part else []
                controls = []
        else:
            part.append(point)
        if part and raw.FPDFPathSegment_GetClose(segment) and not controls:
            part.append(part[0])
    if len(part) > 1:
        yield part


def _curve(start: Point, first: Point, second: Point, end: Point) -> list[Point]:
    """Return points along a cubic Bézier curve, its start left out."""
    points = []
    for step in range(1, _STEPS + 1):
        t = step / _STEPS
        weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        x, y = (
            sum(weight * each[axis] for weight, each in zip(weights, (start, first, second, end), strict=True))
            for axis in (0, 1)
        )
        points.append((x, y))
    return points
