"""The shapes of an SVG document, noted where CairoSVG fills or strokes them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from vincicoder.rendering.facts import MAX_MARKS, Mark, Point

_FAINT = 0.02
"""Opacity below which nothing is to be seen."""


class MarkNotes:
    """Keep the outlines that are painted, in pixels.

    Args:
        marks: Gets the marks.
    """

    def __init__(self, marks: list[Mark]) -> None:
        self._marks = marks
        self._filled = False

    def fill(self, context: Any) -> None:
        """Note the current path, which is about to be filled."""
        self._filled = _is_seen(context.get_source()) and self._note(context)

    def stroke(self, context: Any) -> None:
        """Note the current path, which is about to be stroked; the outline of an area is noted already."""
        if not self._filled and context.get_line_width() > 0 and _is_seen(context.get_source()):
            self._note(context, context.get_line_width())
        self._filled = False

    def _note(self, context: Any, width: float = 0) -> bool:
        """Note each part of the current path, lines with their width; return whether there was one."""
        if len(self._marks) >= MAX_MARKS:
            return True
        a, b, c, d, e, f = context.get_matrix().as_tuple()
        before, scale = len(self._marks), math.sqrt(abs(a * d - b * c))
        for part in _parts(context.copy_path_flat()):
            points = tuple((a * x + c * y + e, b * x + d * y + f) for x, y in part)
            self._marks.append(Mark(points, not width, width * scale))
        return len(self._marks) > before


def _is_seen(source: Any) -> bool:
    rgba = getattr(source, "get_rgba", None)  # a gradient or a pattern has none
    return rgba is None or rgba()[3] > _FAINT


def _parts(path: Any) -> Iterator[list[Point]]:
    """Yield the parts of cairo's flat path: 0 moves, 1 draws a line, 3 closes."""
    part: list[Point] = []
    for kind, values in path:
        if kind == 0:
            if len(part) > 1:
                yield part
            part = []
        if kind == 3 and part:
            part.append(part[0])
        elif values:
            part.append((values[0], values[1]))
    if len(part) > 1:
        yield part
