"""Count the images that a page brings along, by what the browser itself says that it loads."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Collection

from vincicoder.rendering.devtools import Connection, DevToolsError, Json, Session

_IMAGES = ("Image", "Media")
_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script", re.DOTALL | re.IGNORECASE)
_LITERAL = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`|\d[\d.]*")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_=-]{64,}")
_CSS_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{1,6})\s?")
_DROPPED = re.compile(r"[\t\n\r]")  # parsers of URLs skip them anywhere


class PageImages:
    """The images that one page after another loads from ``data:`` and ``blob:`` URLs.

    The browser reports every such load, from whatever element, style or script, and however the URL is spelt.

    Args:
        browser: What tells of the page's events.
        devtools: The page's developer tools.
    """

    def __init__(self, browser: Connection, devtools: Session) -> None:
        self._devtools = devtools
        self._sizes: dict[str, int] = {}
        self._urls: dict[str, str] = {}
        self._documents: set[str] = set()
        browser.on("Network.requestWillBeSent", self._request)
        browser.on("Network.responseReceived", self._response)
        browser.on("Network.dataReceived", self._data)
        devtools.send("Network.enable")

    def forget(self) -> None:
        """Begin the next page."""
        self._sizes.clear()
        self._urls.clear()
        self._documents.clear()

    def _request(self, event: Json, _: Session) -> None:
        url = event["request"]["url"]
        if event.get("type") in _IMAGES and url[:5] in ("data:", "blob:"):
            self._sizes[event["requestId"]] = 0
            self._urls[event["requestId"]] = url

    def _response(self, event: Json, _: Session) -> None:
        if event["requestId"] in self._sizes and event["response"]["mimeType"] == "image/svg+xml":
            self._documents.add(event["requestId"])

    def _data(self, event: Json, _: Session) -> None:
        if event["requestId"] in self._sizes:
            self._sizes[event["requestId"]] += event["dataLength"]

    def embedded_bytes(self, exported: Collection[str]) -> int:
        """Return the bytes of the raster images that were loaded, each URL once, and of those in SVG images.

        Args:
            exported: URLs of what the page's own canvases exported, which does not count.
        """
        known = frozenset(exported)
        sizes = {
            url: self._inside(request) if request in self._documents else self._sizes[request]
            for request, url in self._urls.items()
            if url not in known
        }
        return sum(sizes.values())

    def _inside(self, request: str) -> int:
        """Return the bytes of the images in an SVG image, whose loads the browser does not report."""
        try:
            body = self._devtools.send("Network.getResponseBody", {"requestId": request})
        except DevToolsError:  # it is gone, so that all of it has to count
            return self._sizes[request]
        content = base64.b64decode(body["body"]) if body["base64Encoded"] else body["body"].encode("utf-8", "replace")
        return images_in_svg(content)


def images_in_svg(content: bytes) -> int:
    """Return the bytes of the ``data:`` URLs in the attributes and styles of an SVG document, as parsed.

    Args:
        content: The document; one that no parser takes shows nothing.
    """
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(content)
    except Exception:  # noqa: BLE001 - hostile documents raise what they like, and none of them is shown
        return 0
    texts = [text for element in root.iter() for text in (*element.attrib.values(), element.text) if text]
    return sum(len(text) * 3 // 4 for text in texts if _holds_data_url(text))


def _holds_data_url(text: str) -> bool:
    """Whether an attribute's value is a ``data:`` URL, or a style holds one; both as their parsers would read them."""
    plain = _CSS_ESCAPE.sub(lambda escape: chr(min(int(escape[1], 16), 0x10FFFF)), _DROPPED.sub("", text)).lower()
    return "data:" in plain and ("url(" in plain or plain.lstrip().startswith("data:"))


def script_data(page: str) -> int:
    """Return about how many bytes of data the scripts of a page hold: what they could paint pixel by pixel.

    Pixels that a script computes need hardly any, and an effect is not taken for a raster.
    """
    scripts = " ".join(_SCRIPT.findall(page))
    return len(zlib.compress(" ".join(_LITERAL.findall(scripts) + _LONG_RUN.findall(page)).encode("utf-8", "replace")))
