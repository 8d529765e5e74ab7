"""Records, sources and steps for the tests of data recipes."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from data_recipes.pipeline import Piece, Row
from vincicoder.data import BadRow, Reason, Record

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96">\n'


def svg_of(left: int, colour: str = "red") -> str:
    rects = (
        f'<rect width="96" height="96" fill="white"/>\n<rect x="{left}" y="20" width="32" height="32" fill="{colour}"/>'
    )
    return f"{SVG}{rects}\n</svg>"


def png_of(left: int, colour: str = "red", size: tuple[int, int] = (96, 96)) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((left, 20, left + 31, 51), fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def record_of(number: int, **changes) -> Record:
    values = {
        "id": f"r{number}",
        "domain": "svg",
        "task": "generate",
        "language": "svg",
        "prompt": "Draw this as SVG.",
        "code": svg_of(number % 60),
        "target": png_of(number % 60),
        "checks": {"number": number},
    }
    return Record(**(values | changes))


class Numbered:
    """A source of ``count`` records in pieces of ``size``."""

    def __init__(self, count: int = 700, size: int = 300) -> None:
        self.count, self.size = count, size

    def pieces(self):
        starts = range(0, self.count, self.size)
        return [Piece(n, min(self.size, self.count - start), start) for n, start in enumerate(starts)]

    def read(self, piece):
        for number in range(piece.where, piece.where + piece.rows):
            yield Row(f"r{number}", record_of(number))


def every_third(records, drops):
    """A step that leaves out every third record."""
    kept = []
    for record in records:
        if record.checks["number"] % 3 == 0:
            drops.add(record.id, BadRow(Reason.SIMPLE, "a third"))
        else:
            kept.append(record)
    return kept
