"""The text of an SVG document, noted where CairoSVG draws it letter by letter, and the surface that notes all facts.

So every transform, anchor, viewBox and style is CairoSVG's own, and what it does not draw is not noted.
"""

from __future__ import annotations

import contextlib
from typing import Any

from vincicoder.rendering.facts import Box, Mark, Span, united
from vincicoder.rendering.svg_marks import MarkNotes

_GAP = 1.5
"""Letters further apart than this, in font sizes, are separate texts."""


def noting_surface(spans: list[Span], marks: list[Mark]) -> type:
    """Return CairoSVG's surface for PNG, as a class that also appends to these lists what is drawn on it."""
    from cairosvg.surface import PNGSurface, cairo

    class NotingContext(cairo.Context):  # type: ignore[misc]  # CairoSVG has no types
        notes: TextNotes
        shapes: MarkNotes

        def fill_preserve(self) -> None:
            with contextlib.suppress(Exception):  # the drawing counts, and fails by itself where it must
                self.shapes.fill(self)
            super().fill_preserve()

        def stroke(self) -> None:
            with contextlib.suppress(Exception):
                self.shapes.stroke(self)
            super().stroke()

        def show_text(self, text: str) -> None:
            with contextlib.suppress(Exception):
                self.notes.add(self, text)
            super().show_text(text)

    class NotingSurface(PNGSurface):  # type: ignore[misc]
        notes: TextNotes | None = None

        def set_context_size(self, *args: Any) -> None:
            if self.notes is None:  # the first call comes before anything is drawn
                self.notes = TextNotes(spans)
                self.context = NotingContext(self.cairo)
                self.context.notes, self.context.shapes = self.notes, MarkNotes(marks)
            super().set_context_size(*args)

        def draw(self, node: Any) -> None:
            if node.tag != "text":
                if self.notes is not None:
                    self.notes.begin(node.text or "")
                super().draw(node)
                return
            assert self.notes is not None
            self.notes.end()
            self.notes.begin(node.text or "")
            super().draw(node)
            self.notes.end()

    return NotingSurface


class TextNotes:
    """Join letters to spans.

    Args:
        spans: Gets the spans.
    """

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self._source = ""
        self._place = 0
        self._text = ""
        self._box: Box = (0.0, 0.0, 0.0, 0.0)
        self._colour: tuple[int, int, int] | None = None
        self._pen = (0.0, 0.0)
        self._style: tuple[float, tuple[int, int, int] | None] | None = None  # of the element; asking for it takes long

    def begin(self, source: str) -> None:
        """Take the text of the next element, whose blanks are not drawn."""
        self._source, self._place = source, 0
        self._style = None

    def end(self) -> None:
        """End the current span."""
        if self._text:
            self._spans.append(Span(self._text, self._box, self._colour))
        self._text = ""

    def add(self, context: Any, letter: str) -> None:
        """Note a letter that is about to be drawn at the context's current point."""
        left, top, width, height, advance, _ = context.text_extents(letter)
        x, y = context.get_current_point()
        a, b, c, d, e, f = context.get_matrix().as_tuple()
        start = a * x + c * y + e, b * x + d * y + f
        far_left, far_top = start[0] + a * left + c * top, start[1] + b * left + d * top
        box = (
            far_left + min(a * width, 0) + min(c * height, 0),
            far_top + min(b * width, 0) + min(d * height, 0),
            far_left + max(a * width, 0) + max(c * height, 0),
            far_top + max(b * width, 0) + max(d * height, 0),
        )
        if self._style is None:
            self._style = abs(context.get_font_matrix().yy), _colour(context.get_source())
        font_size, colour = self._style
        most = _GAP * font_size * (a * a + b * b) ** 0.5
        blank = self._blank_before(letter)
        if self._text and colour == self._colour and _near(start, self._pen, most):
            self._text += (" " if blank else "") + letter
            self._box = united(self._box, box)
        else:
            self.end()
            self._text, self._box, self._colour = letter, box, colour
        self._pen = start[0] + a * advance, start[1] + b * advance

    def _blank_before(self, letter: str) -> bool:
        """Whether the source has white space before this letter; step over both."""
        found = self._source.find(letter, self._place)
        if found < 0:
            return False
        before, self._place = self._source[self._place : found], found + len(letter)
        return bool(before) and before.isspace()


def _near(point: tuple[float, float], other: tuple[float, float], most: float) -> bool:
    return abs(point[0] - other[0]) <= most and abs(point[1] - other[1]) <= most


def _colour(source: Any) -> tuple[int, int, int] | None:
    """Return the colour of what letters are painted with; None for a gradient, a pattern or nothing at all."""
    rgba = getattr(source, "get_rgba", None)
    if rgba is None:
        return None
    red, green, blue, alpha = (round(255 * value) for value in rgba())
    return (red, green, blue) if alpha else None
