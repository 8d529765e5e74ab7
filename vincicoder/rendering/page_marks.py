"""The shapes of a page with their places, as the browser has laid them out: SVG, backgrounds, borders and images.

A script of ours asks the browser, in a world of its own that no script of the page can reach.
"""

from __future__ import annotations

from pathlib import Path

from vincicoder.rendering.devtools import DevToolsError, Session
from vincicoder.rendering.facts import Mark

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")  # a confined process may not read it
_MILLISECONDS = 5000  # a page takes a hundredth of that; on a machine that is overloaded its shapes must not be lost


def page_marks(devtools: Session, frame: str, scale: float) -> list[Mark]:
    """Return the marks of a page; none where the browser cannot say.

    Args:
        devtools: The page's developer tools.
        frame: The number of its frame.
        scale: Pixels of the image per CSS pixel.
    """
    try:
        world = devtools.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "marks"})
        call = {
            "expression": _SCRIPT,
            "contextId": world["executionContextId"],
            "returnByValue": True,
            "timeout": _MILLISECONDS,
        }
        found = devtools.send("Runtime.evaluate", call)["result"].get("value") or []
    except DevToolsError:  # it takes too long, or the answer is too large; the image stands
        return []
    return [Mark(_pairs([scale * value for value in values]), filled, scale * width) for filled, values, width in found]


def _pairs(values: list[float]) -> tuple[tuple[float, float], ...]:
    return tuple(zip(values[::2], values[1::2], strict=True))
