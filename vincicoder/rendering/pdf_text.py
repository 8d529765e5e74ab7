"""The text of a PDF's page with its boxes, as PDFium reads it. Runs where the PDF was made, as `pdf_images` does."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import math
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from vincicoder.rendering.facts import MAX_SPANS, Box, Span

_MOST_CHARACTERS = 100_000
_GAP = 1.2
"""Characters further apart than this, in font sizes, are separate texts, such as the labels of an axis."""
_STEP = 0.6
"""How far a superscript or a subscript may stand above or below the line, in font sizes."""
_WORD_GAP = 0.18
"""The narrowest space between words, in font sizes: PDFs leave out the blank."""
_FINE = 64
"""PDFium's whole numbers stand for this part of a pixel."""

_Colour: TypeAlias = tuple[int, int, int]


@dataclass
class _Character:
    """A character on the page, in points, with y upwards."""

    text: str
    box: Box
    origin: tuple[float, float]
    along: tuple[float, float]
    font_size: float

    def reach(self) -> tuple[float, float]:
        """Return where it begins and ends in its own direction."""
        u, v = self.along
        ends = [x * u + y * v for x in self.box[::2] for y in self.box[1::2]]
        return min(ends), max(ends)


def page_text(page: Any, size: tuple[int, int]) -> list[Span]:
    """Return the text of a page, as far as PDFium can read it.

    Args:
        page: The page, opened by pypdfium2.
        size: Width and height of its image in pixels.
    """
    from pypdfium2 import PdfiumError

    spans: list[Span] = []
    with contextlib.suppress(PdfiumError, ValueError, OverflowError):  # the image stands
        text_page = page.get_textpage()
        count = min(text_page.count_chars(), _MOST_CHARACTERS)
        spans.extend(itertools.islice(_spans(text_page.raw, count, page.raw, size), MAX_SPANS))
    return spans


def _spans(text_page: Any, count: int, page: Any, size: tuple[int, int]) -> Iterator[Span]:
    to_pixels = _to_pixels(page, size)
    text, blank = "", False
    boxes: list[Box] = []
    colour: _Colour | None = None
    last: _Character | None = None
    for index in range(count):
        character = _character(text_page, index)
        if character is None:  # a blank or the end of a line, which PDFium may have made up
            blank = True
            continue
        gap = _gap(last, character) if last is not None else None
        blank = blank or (gap is not None and gap > _WORD_GAP)
        own = _colour(text_page, index) if blank or gap is None else colour
        if gap is None or own != colour:
            if boxes:
                yield Span(unicodedata.normalize("NFKC", text), to_pixels(boxes), colour)
            text, boxes, colour = character.text, [character.box], own
        else:
            text += (" " if blank else "") + character.text
            boxes.append(character.box)
        last, blank = character, False
    if boxes:
        yield Span(unicodedata.normalize("NFKC", text), to_pixels(boxes), colour)


def _character(text_page: Any, index: int) -> _Character | None:
    """Return a character; None for white space."""
    from pypdfium2 import raw

    code = raw.FPDFText_GetUnicode(text_page, index)
    text = chr(code) if 32 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
    if text.isspace() or code in (9, 10, 13, 32) or raw.FPDFText_IsGenerated(text_page, index) == 1:
        return None
    left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))
    matrix = raw.FS_MATRIX()
    if not raw.FPDFText_GetCharBox(text_page, index, left, right, bottom, top):
        return None
    raw.FPDFText_GetCharOrigin(text_page, index, x, y)
    raw.FPDFText_GetMatrix(text_page, index, matrix)
    scale = math.hypot(matrix.a, matrix.b)
    along = (matrix.a / scale, matrix.b / scale) if scale > 0 else (1.0, 0.0)
    font_size = scale * abs(raw.FPDFText_GetFontSize(text_page, index))
    box = left.value, bottom.value, right.value, top.value
    return _Character(text or "\ufffd", box, (x.value, y.value), along, font_size)


def _gap(last: _Character, character: _Character) -> float | None:
    """Return how far a character is behind the last one, in font sizes; None if it does not continue its text."""
    font_size = max(last.font_size, character.font_size)
    u, v = last.along
    turned = u * character.along[0] + v * character.along[1] < 0.99
    above = (character.origin[1] - last.origin[1]) * u - (character.origin[0] - last.origin[0]) * v
    if font_size <= 0 or turned or abs(above) > _STEP * font_size:
        return None
    gap = (character.reach()[0] - last.reach()[1]) / font_size
    return gap if -_GAP < gap < _GAP else None


def _colour(text_page: Any, index: int) -> _Colour | None:
    from pypdfium2 import raw

    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    known = raw.FPDFText_GetFillColor(text_page, index, red, green, blue, alpha)
    return (red.value, green.value, blue.value) if known else None


def pixel_matrix(page: Any, size: tuple[int, int]) -> tuple[float, float, float, float, float, float]:
    """Return ``a, b, c, d, e, f`` that take a point of a page to pixels: ``a * x + c * y + e, b * x + d * y + f``.

    Args:
        page: PDFium's page.
        size: Width and height of its image in pixels.
    """
    from pypdfium2 import raw

    def at(x: float, y: float) -> tuple[float, float]:
        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, size[0] * _FINE, size[1] * _FINE, 0, x, y, across, down)
        return across.value / _FINE, down.value / _FINE

    (e, f), (a, b), (c, d) = at(0, 0), at(1000, 0), at(0, 1000)
    return (a - e) / 1000, (b - f) / 1000, (c - e) / 1000, (d - f) / 1000, e, f


def _to_pixels(page: Any, size: tuple[int, int]) -> Callable[[list[Box]], Box]:
    """Return what turns boxes of a page, in points, into the box around them all, in pixels of its image."""
    a, b, c, d, e, f = pixel_matrix(page, size)

    def around(boxes: list[Box]) -> Box:
        corners = [(x, y) for left, bottom, right, top in boxes for x in (left, right) for y in (bottom, top)]
        across = [a * x + c * y + e for x, y in corners]
        down = [b * x + d * y + f for x, y in corners]
        return min(across), min(down), max(across), max(down)

    return around
