"""The text of a page with its boxes, as the browser itself has laid it out.

It comes from a snapshot that the browser takes of its own layout, so that no script of the page is asked and none can
change the answer. Text in frames and in fields of forms is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from vincicoder.rendering.devtools import DevToolsError, Json, Session
from vincicoder.rendering.facts import Box, Span, united

_STYLES = ("visibility", "-webkit-text-fill-color", "fill")
_SVG_TEXT = ("text", "tspan", "textPath")
_COLOUR = re.compile(r"rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)")


def page_text(devtools: Session, scale: float) -> Iterable[Span]:
    """Return the text of a page, nothing where the browser cannot say.

    Args:
        devtools: The page's developer tools.
        scale: Pixels of the image per CSS pixel.
    """
    try:
        snapshot = devtools.send("DOMSnapshot.captureSnapshot", {"computedStyles": list(_STYLES)})
    except DevToolsError:  # it is too large for one answer; the image stands
        return ()
    return _spans(snapshot, scale)


def _spans(snapshot: Json, scale: float) -> Iterator[Span]:
    """Yield each visible node of text, whose box is around all its lines."""
    document, strings = snapshot["documents"][0], snapshot["strings"]
    layout, nodes, lines = document["layout"], document["nodes"], document["textBoxes"]
    boxes: dict[int, Box] = {}
    for index, (left, top, width, height) in zip(lines["layoutIndex"], lines["bounds"], strict=True):
        if width > 0 and height > 0:
            box = (left, top, left + width, top + height)
            boxes[index] = united(boxes[index], box) if index in boxes else box
    for index, box in boxes.items():
        visibility, colour, fill = (strings[style] for style in layout["styles"][index])
        if visibility == "visible":
            parent = nodes["parentIndex"][layout["nodeIndex"][index]]
            painted = fill if strings[nodes["nodeName"][parent]] in _SVG_TEXT else colour
            left, top, right, bottom = (edge * scale for edge in box)
            yield Span(strings[layout["text"][index]], (left, top, right, bottom), _colour(painted))


def _colour(style: str) -> tuple[int, int, int] | None:
    """Return a computed colour; None for one that is transparent or no plain one, as where a gradient paints text."""
    match = _COLOUR.fullmatch(style)
    if match is None or (match[4] is not None and float(match[4]) == 0):
        return None
    return int(match[1]), int(match[2]), int(match[3])
