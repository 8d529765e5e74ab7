"""Prefixes of an SVG document: where they end, and their images, taken while CairoSVG draws the whole.

A prefix ends behind a drawn element, and closing the groups that are still open makes a document of it. It counts only
if nothing behind its end can change what it shows: no style sheet, and no definition of something that it refers to. So
its image is what is on the canvas when the element has been drawn, and all images take hardly longer than one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from vincicoder.rendering.renderer import Prefix

if TYPE_CHECKING:
    from PIL import Image

_TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>"
    r"|<(?P<ending>/?)(?P<name>[^\s/>]+)(?P<rest>(?:[^\"'>]|\"[^\"]*\"|'[^']*')*)>",
    re.DOTALL,
)
_DRAWN = frozenset(("circle", "ellipse", "image", "line", "path", "polygon", "polyline", "rect", "text", "use"))
_PLAIN = frozenset(("svg", "g"))
"""Elements that only hold others; of a nested document, though, the end counts and nothing inside."""
_TOGETHER = re.compile(r"\b(?:opacity|mask|filter)\s*[=:]")
"""In the tag of a group whose elements are drawn elsewhere first, and painted when it closes."""
_ID = re.compile(r"(?<![\w:-])id\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_REFERENCE = re.compile(r"url\(\s*[\"']?\s*#([^)\"'\s]+)|href\s*=\s*[\"']\s*#([^\"']+)")
_LOOKS_AHEAD = re.compile(r":(?:nth-last|last|only|empty|has)\b")
"""Selectors that ask what comes behind an element."""


class Boundary(NamedTuple):
    """Where a prefix ends.

    Attributes:
        end: In characters of the document.
        element: Number of the element that it ends with, in the order of opening tags.
        completion: The tags that make a document of the prefix.
    """

    end: int
    element: int
    completion: str


class _Open(NamedTuple):
    name: str
    number: int
    start: int
    identity: str | None
    together: bool


def boundaries(code: str) -> tuple[list[Boundary], int]:
    """Return where prefixes of a well-formed document end, the empty drawing first, and the number of elements.

    Args:
        code: The document.

    Example:
        >>> found, elements = boundaries('<svg><g><path d="M0 0h9"/></g></svg>')
        >>> [(each.end, each.completion) for each in found], elements
        ([(5, '</svg>'), (26, '</g></svg>')], 3)
    """
    found: list[Boundary] = []
    closed: dict[str, int] = {}
    styles = 0
    elements = 0
    stack: list[_Open] = []
    for token in _TOKEN.finditer(code):
        name, rest = token["name"], token["rest"]
        if name is None:
            continue
        if not token["ending"]:
            found_id = _ID.search(rest)
            identity = (found_id[1] or found_id[2]) if found_id else None
            stack.append(_Open(name, elements, token.start(), identity, bool(_TOGETHER.search(rest))))
            elements += 1
            if len(stack) == 1:
                found.append(Boundary(token.end(), 0, f"</{name}>"))
        if (token["ending"] or rest.endswith("/")) and stack:
            element, end = stack.pop(), token.end()
            if element.identity is not None:
                closed[element.identity] = end  # of several with one name the last
            if _local(element.name) == "style":
                styles = end
            if stack and _is_shown(element, stack):
                completion = "".join(f"</{each.name}>" for each in reversed(stack))
                found.append(Boundary(end, element.number, completion))
    ahead = math.inf if styles and _LOOKS_AHEAD.search(code) else float(styles)
    return [*found[:1], *_settled(found[1:], list(_references(code, closed)), ahead)], elements


def _is_shown(element: _Open, ancestors: list[_Open]) -> bool:
    """Whether an element is drawn on the canvas at once: by itself, or as a group that is painted when it closes."""
    if any(_local(each.name) not in _PLAIN or each.together for each in ancestors):
        return False
    if any(_local(each.name) == "svg" for each in ancestors[1:]):
        return False
    name = _local(element.name)
    return name in _DRAWN or name == "svg" or (name == "g" and element.together)


def _references(code: str, closed: Mapping[str, int]) -> Iterator[tuple[int, float]]:
    """Yield where something refers to an element of the document, and where that element ends."""
    for reference in _REFERENCE.finditer(code):
        end = closed.get(reference[1] or reference[2])
        if end is not None:
            yield reference.start(), end


def _settled(found: list[Boundary], references: list[tuple[int, float]], ahead: float) -> Iterator[Boundary]:
    """Yield the boundaries behind which nothing is defined that the prefix refers to."""
    place = 0
    for boundary in found:
        while place < len(references) and references[place][0] < boundary.end:
            ahead = max(ahead, references[place][1])
            place += 1
        if ahead <= boundary.end:
            yield boundary


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def watched(surface_class: type, chosen: list[Boundary], elements: int, taken: list[Prefix]) -> type:
    """Return a surface of CairoSVG as a class that also takes the images of prefixes.

    Args:
        surface_class: The surface.
        chosen: The prefixes; the first is the empty drawing.
        elements: How many elements the document has.
        taken: Gets the images. One that is not on the canvas yet when its element has been drawn is left out.
    """
    from PIL import Image

    class WatchedSurface(surface_class):  # type: ignore[misc]
        ends: dict[int, int] | None = None  # by identity of the element
        referring = 0

        def draw(self, node: Any) -> None:
            if self.ends is None:
                self.ends = {}
                ordered = list(node.xml_tree.iter())
                if len(ordered) == elements:  # else we read the tags otherwise
                    self.ends = {id(ordered[each.element]): each.end for each in chosen[1:]}
                    self.shown = _canvas_as_it_is(self.cairo).copy()
                    taken.append(Prefix(chosen[0].end, None))
            refers = node.tag == "use"
            self.referring += refers
            super().draw(node)
            self.referring -= refers
            if self.referring:  # drawn in another place, where something refers to it
                return
            end = self.ends.pop(id(node.element.etree_element), None)
            if end is not None and self.context.get_group_target()._pointer == self.cairo._pointer:
                taken.append(self.prefix(end))

        def prefix(self, end: int) -> Prefix:
            canvas = _canvas_as_it_is(self.cairo)
            found = Prefix.between(end, self.shown, canvas)
            if found.part is None:
                return found
            self.shown.paste(found.part, (found.left, found.top))
            part = Image.frombytes("RGB", found.part.size, found.part.tobytes(), "raw", "BGRX")
            return replace(found, part=part)

    return WatchedSurface


def _canvas_as_it_is(canvas: Any) -> Image.Image:
    """Return the memory of a canvas of cairo as an image, whose colours are in cairo's order; nothing is copied."""
    from PIL import Image

    canvas.flush()
    size = canvas.get_width(), canvas.get_height()
    return Image.frombuffer("RGBX", size, canvas.get_data(), "raw", "RGBX", canvas.get_stride(), 1)


def image_of(canvas: Any) -> Image.Image:
    """Return what is on a canvas of cairo.

    All is opaque on the white background, so that colours that cairo multiplies by alpha are as they are.
    """
    from PIL import Image

    canvas.flush()
    size = canvas.get_width(), canvas.get_height()
    return Image.frombuffer("RGB", size, bytes(canvas.get_data()), "raw", "BGRX", canvas.get_stride(), 1)
