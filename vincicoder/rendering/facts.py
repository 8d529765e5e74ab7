"""Facts: what a renderer knows of an image beyond its pixels, such as its text and where it stands.

Facts come out of a process that ran hostile code, so they are never trusted. They leave it as JSON text, and the
trainer's process checks every value here before anybody sees it; a component counts a fact only as far as the pixels
bear it out.

The schema, in which every key and no other must be there::

    {"spans": [{"text": "Sales", "box": [10, 20, 60.5, 32], "colour": [0, 0, 0]}]}

``colour`` may be null. Standard library only: renderers import this under any interpreter.

A renderer gathers facts only where ``Workspace.facts`` says that somebody asks for them. It sends whatever text the
code drew, also text that nobody can see: `vincicoder.similarity.ink` says how far the pixels bear each span out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

MAX_BYTES = 256_000
"""Longest facts of one image, as UTF-8."""
MAX_SPANS = 2_000
"""Most spans of one image."""
_MAX_COORDINATE = 1_000_000
_KEYS = len('{"text":"","box":[,,,],"colour":[255,255,255]},')  # what JSON adds to the values of a span


Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge."""


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
class Facts:
    """What a renderer knows of one image.

    Attributes:
        spans: Visible text.

    Example:
        >>> facts = Facts((Span("Sales", (10, 20, 60, 32)),))
        >>> Facts.from_json(facts.to_json()) == facts
        True
    """

    spans: tuple[Span, ...] = ()

    def to_json(self) -> str:
        """Return the facts as JSON text; nothing is checked or cut. Numbers may be of any type, such as numpy's."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"), default=float)

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
        (spans,) = _fields(data, "the facts", "spans")
        if not isinstance(spans, list):
            raise FactsError("spans is not a list")
        if len(spans) > MAX_SPANS:
            raise FactsError(f"they have {len(spans):,} spans, over the limit of {MAX_SPANS:,}")
        return cls(tuple(_span(span, f"span {number}") for number, span in enumerate(spans, 1)))


def united(box: Box, other: Box) -> Box:
    """Return the box around two boxes.

    Example:
        >>> united((0, 0, 4, 4), (2, 3, 9, 5))
        (0, 0, 9, 5)
    """
    return min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3])


def within_limits(spans: Iterable[Span], size: tuple[int, int]) -> Facts:
    """Return the facts of an image, with as many of these spans as the limits allow, the first ones first.

    Spans without a letter or wholly outside the image are left out, and white space in texts is one blank each.

    Args:
        spans: What a renderer has found, in any number.
        size: Width and height of the image in pixels.

    Example:
        >>> found = [Span("Net  sales", (10, 20, 60.123, 32)), Span("far away", (900, 20, 960, 32))]
        >>> within_limits(found, (100, 50)).spans
        (Span(text='Net sales', box=(10.0, 20.0, 60.12, 32.0), colour=None),)
    """
    kept: list[Span] = []
    left = MAX_BYTES - len('{"spans":[]}')
    for span in spans:
        text = " ".join(span.text.encode("utf-8", "replace").decode().split())
        box = tuple(round(float(edge), 2) for edge in span.box)
        if not text or not all(abs(edge) <= _MAX_COORDINATE for edge in box):  # which NaN is not, either
            continue
        if box[2] <= box[0] or box[3] <= box[1] or box[2] <= 0 or box[3] <= 0 or box[0] >= size[0] or box[1] >= size[1]:
            continue
        left -= len(json.dumps(text, ensure_ascii=False).encode()) + sum(len(str(edge)) for edge in box) + _KEYS
        if left < 0 or len(kept) == MAX_SPANS:
            break
        kept.append(Span(text, (box[0], box[1], box[2], box[3]), span.colour))
    return Facts(tuple(kept))


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


def _numbers(data: Any, count: int, low: int, high: int, what: str) -> list[float]:
    if not isinstance(data, list) or len(data) != count:
        raise FactsError(f"{what} is not a list of {count} numbers")
    for value in data:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise FactsError(f"{what} has a value that is not a number from {low} to {high}")
    return data
