"""Facts: what a renderer knows of an image beyond its pixels, such as its text, its marks, and where they stand.

Facts come out of a process that ran hostile code, so they are never trusted. They leave it as JSON text, and the
trainer's process checks every value here before anybody sees it; a component counts a fact only as far as the pixels
bear it out.

The schema, in which every key and no other must be there::

    {"spans": [{"text": "Sales", "box": [10, 20, 60.5, 32], "colour": [0, 0, 0]}],
     "marks": [{"points": [[40, 90], [52, 90], [52, 200], [40, 200]], "filled": true, "width": 0}]}

``colour`` may be null. Standard library only: renderers import this under any interpreter.

A renderer gathers facts only where ``Workspace.facts`` says that somebody asks for them. It sends whatever the code
drew, also what nobody can see: `vincicoder.similarity.ink` says how far the pixels bear each span out, and
`vincicoder.similarity.outlines` does so for marks. A mark has no colour here, since the pixels tell it better.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any, NoReturn

MAX_BYTES = 256_000
"""Longest facts of one image, as UTF-8."""
MAX_SPANS = 2_000
"""Most spans of one image."""
MAX_MARKS = 500
"""Most marks of one image."""
MAX_POINTS = 64
"""Most points of one mark."""
_MAX_COORDINATE = 1_000_000
_MOST_READ = 2_000  # points of a mark; of one with more, points are left out before it is looked at
_NUMBERS = frozenset((int, float))
_KEYS = len('{"text":"","box":[,,,],"colour":[255,255,255]},')  # what JSON adds to the values of a span


Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge."""

Point = tuple[float, float]
"""Pixels to the right and down."""


class FactsError(ValueError):
    """Facts that break the schema or a limit; the message says which."""


@dataclass(frozen=True)
class Span:
    """A run of text in an image.

    Attributes:
        text: The text.
        box: Left, top, right and bottom edge in pixels of the render, from its upper left corner. It may lie outside
            the image.
        colour: Red, green and blue, 0 to 255, or None where the renderer cannot say.

    Example:
        >>> Span("Sales", (10, 20, 60.5, 32), (0, 0, 0)).text
        'Sales'
    """

    text: str
    box: Box
    colour: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Mark:
    """A shape in an image, such as a bar, a line, a point of a scatter plot or a wedge.

    Attributes:
        points: The points of a line, or the corners of an area, in pixels of the render from its upper left corner;
            at least two. They may lie outside the image. A curve has points along it.
        filled: Whether it is an area, which the last point closes, and not a line.
        width: How wide a line is, in pixels; 0 for areas, and where the renderer cannot say.

    Example:
        >>> Mark(((40, 90), (52, 90), (52, 200), (40, 200)), filled=True).points[0]
        (40, 90)
    """

    points: tuple[Point, ...]
    filled: bool
    width: float = 0.0


@dataclass(frozen=True)
class Facts:
    """What a renderer knows of one image.

    Attributes:
        spans: Visible text.
        marks: Visible shapes: what is plotted, where the renderer can tell it from axes and grids, else all.

    Example:
        >>> facts = Facts((Span("Sales", (10, 20, 60, 32)),))
        >>> Facts.from_json(facts.to_json()) == facts
        True
    """

    spans: tuple[Span, ...] = ()
    marks: tuple[Mark, ...] = ()
    _json: str | None = field(init=False, default=None, repr=False, compare=False)

    def to_json(self) -> str:
        """Return the facts as JSON text; nothing is checked or cut. Numbers may be of any type, such as numpy's."""
        if self._json is not None:
            return self._json
        content = {"spans": list(map(asdict, self.spans)), "marks": list(map(asdict, self.marks))}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=float)

    def __reduce__(self) -> tuple[Callable[[str], Facts], tuple[str]]:
        """Pickle the text, which takes a tenth of the time of its hundreds of spans and points."""
        return Facts.from_json, (self.to_json(),)

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Check and return facts that a renderer sent.

        Args:
            text: JSON text under the schema of this module. Half of a surrogate pair in it becomes a question mark.

        Raises:
            FactsError: The text breaks the schema or a limit.
        """
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_BYTES:
            raise FactsError(f"they have {size:,} bytes, over the limit of {MAX_BYTES:,}")
        try:
            data = json.loads(text, parse_constant=_refuse_constant)
        except RecursionError:
            raise FactsError("they are nested too deeply") from None
        except ValueError as error:
            raise FactsError(f"they are not JSON: {error}") from None
        spans, marks = _fields(data, "the facts", "spans", "marks")
        for name, found, most in (("spans", spans, MAX_SPANS), ("marks", marks, MAX_MARKS)):
            if not isinstance(found, list):
                raise FactsError(f"{name} is not a list")
            if len(found) > most:
                raise FactsError(f"they have {len(found):,} {name}, over the limit of {most:,}")
        facts = cls(
            tuple(_span(span, f"span {number}") for number, span in enumerate(spans, 1)),
            tuple(_mark(mark, f"mark {number}") for number, mark in enumerate(marks, 1)),
        )
        object.__setattr__(facts, "_json", text)  # to be sent as it came
        return facts


def united(box: Box, other: Box) -> Box:
    """Return the box around two boxes.

    Example:
        >>> united((0, 0, 4, 4), (2, 3, 9, 5))
        (0, 0, 9, 5)
    """
    return min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3])


def within_limits(spans: Iterable[Span], size: tuple[int, int], marks: Iterable[Mark] = ()) -> Facts:
    """Return the facts of an image, with as many of these spans and marks as the limits allow, the first ones first.

    Spans without a letter and what is wholly outside the image are left out, and white space in texts is one blank
    each. Of a mark with too many points, those that shape it least are left out. Spans come before marks where there is
    no room for both.

    Args:
        spans: The text that a renderer has found, of any amount.
        size: Width and height of the image in pixels.
        marks: The shapes that it has found, in any number and with any number of points.

    Example:
        >>> found = [Span("Net  sales", (10, 20, 60.123, 32)), Span("far away", (900, 20, 960, 32))]
        >>> within_limits(found, (100, 50)).spans
        (Span(text='Net sales', box=(10.0, 20.0, 60.12, 32.0), colour=None),)
    """
    kept: list[Span] = []
    left = MAX_BYTES - len('{"spans":[],"marks":[]}')
    for span in spans:
        text = " ".join(span.text.encode("utf-8", "replace").decode().split())
        box = tuple(round(float(edge), 2) for edge in span.box)
        if not text or not all(abs(edge) <= _MAX_COORDINATE for edge in box):  # which NaN is not, either
            continue
        if box[2] <= box[0] or box[3] <= box[1] or not _inside((box[0], box[1], box[2], box[3]), size):
            continue
        needed = len(json.dumps(text, ensure_ascii=False).encode()) + sum(len(str(edge)) for edge in box) + _KEYS
        if needed > left or len(kept) == MAX_SPANS:
            break
        left -= needed
        kept.append(Span(text, (box[0], box[1], box[2], box[3]), span.colour))
    return Facts(tuple(kept), _marks_within(marks, size, left))


def _marks_within(marks: Iterable[Mark], size: tuple[int, int], left: int) -> tuple[Mark, ...]:
    """Return as many marks as fit into so many bytes and the other limits."""
    kept: list[Mark] = []
    for mark in marks:
        read = mark.points[:: 1 + len(mark.points) // _MOST_READ]
        points = [(round(float(x), 1), round(float(y), 1)) for x, y in read]
        if len(points) < 2 or not all(abs(x) <= _MAX_COORDINATE >= abs(y) for x, y in points):
            continue
        across, down = zip(*points, strict=True)
        if not _inside((min(across), min(down), max(across), max(down)), size):
            continue
        points = _thinned(points)
        width = round(float(mark.width), 1) if 0 < mark.width <= _MAX_COORDINATE and not mark.filled else 0.0
        left -= len(f'{{"points":[],"filled":false,"width":{width}}},') + sum(len(f"[{x},{y}],") for x, y in points)
        if left < 0 or len(kept) == MAX_MARKS:
            break
        kept.append(Mark(tuple(points), bool(mark.filled), width))
    return tuple(kept)


def _thinned(points: list[Point]) -> list[Point]:
    """Return as many points as a mark may have. First go those that make the flattest corners, never two in a row."""
    least = 0.1  # pixels by pixels, of the triangle that a corner makes with its neighbours
    while len(points) > MAX_POINTS:
        kept, skipped = [points[0]], False
        for (x, y), (at_x, at_y), (to_x, to_y) in zip(points, points[1:], points[2:], strict=False):
            area = abs((at_x - x) * (to_y - y) - (to_x - x) * (at_y - y)) / 2
            skipped = area < least and not skipped
            if not skipped:
                kept.append((at_x, at_y))
        points = [*kept, points[-1]]
        least *= 2
    return points


def _inside(box: Box, size: tuple[int, int]) -> bool:
    """Whether any of a box is inside an image."""
    return box[2] > 0 and box[3] > 0 and box[0] < size[0] and box[1] < size[1]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it knows no {name}")


def _fields(data: Any, where: str, *names: str) -> list[Any]:
    """Return the values of an object that must have exactly these keys."""
    if not isinstance(data, dict) or set(data) != set(names):
        raise FactsError(f"{where}: expected an object with {', '.join(names)} and nothing else")
    return [data[name] for name in names]


def _span(data: Any, where: str) -> Span:
    text, box, colour = _fields(data, where, "text", "box", "colour")
    if not isinstance(text, str):
        raise FactsError(f"{where}: its text is not a string")
    left, top, right, bottom = _numbers(box, 4, -_MAX_COORDINATE, _MAX_COORDINATE, f"{where}: its box")
    if left > right or top > bottom:
        raise FactsError(f"{where}: its box ends before it begins")
    text = text.encode("utf-8", "replace").decode()
    if colour is None:
        return Span(text, (left, top, right, bottom))
    red, green, blue = (int(value) for value in _numbers(colour, 3, 0, 255, f"{where}: its colour"))
    return Span(text, (left, top, right, bottom), (red, green, blue))


def _mark(data: Any, where: str) -> Mark:
    points, filled, width = _fields(data, where, "points", "filled", "width")
    if not isinstance(filled, bool):
        raise FactsError(f"{where}: filled is neither true nor false")
    if not isinstance(points, list) or not 2 <= len(points) <= MAX_POINTS:
        raise FactsError(f"{where}: its points are not a list of 2 to {MAX_POINTS} points")
    if any(type(point) is not list or len(point) != 2 for point in points):
        raise FactsError(f"{where}: a point is not a list of 2 numbers")
    _numbers(list(chain.from_iterable(points)), 2 * len(points), -_MAX_COORDINATE, _MAX_COORDINATE, f"{where}: a point")
    [width] = _numbers([width], 1, 0, _MAX_COORDINATE, f"{where}: its width")
    return Mark(tuple(map(tuple, points)), filled, width)


def _numbers(data: Any, count: int, low: int, high: int, what: str) -> list[float]:
    if not isinstance(data, list) or len(data) != count:
        raise FactsError(f"{what} is not a list of {count} numbers")
    if not _NUMBERS.issuperset(map(type, data)) or not low <= min(data) <= max(data) <= high:
        raise FactsError(f"{what} has a value that is not a number from {low} to {high}")
    return data
