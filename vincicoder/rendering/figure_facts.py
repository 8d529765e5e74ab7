"""The text of a matplotlib figure, noted where it is drawn: titles, labels, ticks, legends, annotations, tables.

What is hidden is never drawn, and while a figure is being saved its transforms are those of the file, whatever its
resolution and bounding box. All of it is under the control of the code, so that nothing here may fail.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from vincicoder.rendering.facts import Mark, Span
from vincicoder.rendering.figure_marks import figure_marks

_FORMULA = re.compile(r"(?<!\\)\$(.*?)(?<!\\)\$", re.DOTALL)
_MARKUP = re.compile(r"\\(?:math[a-z]+|text[a-z]*|left|right)\b\s*|[{}]")


class FigureFacts:
    """The text and the marks that were drawn last.

    Attributes:
        spans: Text of the figure that was drawn last, in pixels of its renderer.
        marks: What it plots, likewise.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.marks: list[Mark] = []

    def install(self) -> None:
        """Replace the functions of matplotlib that draw figures and texts."""
        figure_class = sys.modules["matplotlib.figure"].Figure
        text_class = sys.modules["matplotlib.text"].Text
        draw_figure, draw_text = figure_class.draw, text_class.draw
        extent = text_class.get_window_extent

        @functools.wraps(draw_figure)
        def drawing_figure(figure: Any, renderer: Any, *args: Any, **options: Any) -> Any:
            self.spans = []  # a figure is also drawn to measure it, before it is drawn for the file
            result = draw_figure(figure, renderer, *args, **options)
            self.marks = figure_marks(figure, renderer)
            return result

        @functools.wraps(draw_text)
        def drawing_text(text: Any, renderer: Any, *args: Any, **options: Any) -> Any:
            result = draw_text(text, renderer, *args, **options)
            try:
                self._note(text, renderer, extent)
            except BaseException:  # noqa: BLE001, S110 - the image counts; a text that raises goes without
                pass
            return result

        figure_class.draw, text_class.draw = drawing_figure, drawing_text

    def _note(self, text: Any, renderer: Any, extent: Any) -> None:
        words = text.get_text()
        if not text.get_visible() or not str.strip(words):
            return
        box = extent(text, renderer)
        _, height = renderer.get_canvas_width_height()
        edges = float(box.x0), height - float(box.y1), float(box.x1), height - float(box.y0)
        self.spans.append(Span(_plain(str.__str__(words)), edges, _colour(text.get_color())))


def _plain(text: str) -> str:
    """Return a text without the marks of its formulas, which nobody sees."""
    return _FORMULA.sub(lambda formula: _MARKUP.sub("", formula[1]), text)


def _colour(colour: Any) -> tuple[int, int, int]:
    red, green, blue = (round(255 * float(part)) for part in sys.modules["matplotlib.colors"].to_rgb(colour))
    return red, green, blue
