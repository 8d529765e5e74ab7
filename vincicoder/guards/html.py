"""HTML: images in ``data:`` URLs, in scripts that decode them, or from ``file:`` addresses."""

from __future__ import annotations

import re

from vincicoder.guards import data_urls
from vincicoder.guards._markup import unescape
from vincicoder.guards.data_urls import MARKUP_RUN, decoded_size, raster_bytes, too_much

_SCRIPT_DECODER = re.compile(r"\batob\b|\bUint8(?:Clamped)?Array\b")
_BYTE_LIST = re.compile(r"(?:\d{1,3},\s*)+")
_FILE_SOURCE = re.compile(r"(?:\bsrc(?:set)?\s?=|\bhref\s?=|\burl\()\s?[\"']?\s?file:", re.IGNORECASE)


def smuggled(code: str, max_bytes: int) -> str | None:
    """Return what is smuggled in the code, beyond ``max_bytes`` of encoded images, or None."""
    text = unescape(code)
    if reason := data_urls.smuggled(text, max_bytes):
        return reason
    if _FILE_SOURCE.search(text):
        return "the page takes an image from a file: address"
    if _SCRIPT_DECODER.search(text):
        _, scripts = raster_bytes(text)
        listed = max((run[0].count(",") + 1 for run in _BYTE_LIST.finditer(text)), default=0)
        return too_much("a script decodes", max(decoded_size(scripts, MARKUP_RUN), listed), max_bytes)
    return None
