"""SVG: images in ``data:`` URLs, or ``<image>`` elements that show a file."""

from __future__ import annotations

import re

from vincicoder.guards import data_urls
from vincicoder.guards._markup import unescape

_SVG_IMAGE = re.compile(r"<(?:[\w-]{1,40}:)?(?:image|feImage)\b([^<>]*)", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s?=\s?[\"']\s?([^\"']{1,200})", re.IGNORECASE)
_NO_FILE = ("#", "data:", "http:", "https:", "//")


def smuggled(code: str, max_bytes: int) -> str | None:
    """Return what is smuggled in the code, beyond ``max_bytes`` of encoded images, or None."""
    text = unescape(code)
    if reason := data_urls.smuggled(text, max_bytes):
        return reason
    for image in _SVG_IMAGE.finditer(text):
        for href in _HREF.finditer(image[1]):
            if not href[1].lower().startswith(_NO_FILE):
                return f"an <image> shows the file {href[1][:80]!r}"
    return None
