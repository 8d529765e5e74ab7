"""Encoded images in ``data:`` URLs, in any language, and the measures that the other rules share."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes


def too_much(what: str, size: int, max_bytes: int) -> str | None:
    """Return the reason if ``size`` bytes are more than ``max_bytes``, or None."""
    return f"{what} {size:,} bytes of encoded image (allowed: {max_bytes:,})" if size > max_bytes else None


MARKUP_RUN = re.compile(r"[A-Za-z0-9+/]{64,}")
"""Base64 or hex in markup, where shorter runs are the paths and names it is full of."""

_HEX = re.compile(r"[0-9A-Fa-f]+")


def decoded_size(text: str, run: re.Pattern[str]) -> int:
    """Return how many bytes the base64 and hex in ``text`` stand for."""
    size = 0
    for found in run.findall(text):
        if len(set(found)) >= 4:  # else a ruled line in a comment
            size += len(found) // 2 if _HEX.fullmatch(found) else len(found) * 3 // 4
    return size


_DATA_URL = re.compile(r"data:([^,\"'<>`]{0,200}),", re.IGNORECASE)
_BASE64_PAYLOAD = re.compile(r"[A-Za-z0-9+/=_%\s-]*")
_PLAIN_PAYLOAD = re.compile(r"[^\"'<>`)\s]*")
_DOCUMENT_TYPES = ("image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/xml")
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_DEEPEST = 4
"""How many ``data:`` URLs are opened inside one another; what is nested deeper counts as a raster."""


def smuggled(text: str, max_bytes: int) -> str | None:
    """Return how much raster images in ``data:`` URLs hold, if more than ``max_bytes``, or None."""
    size, elsewhere = raster_bytes(text)
    if size is None:
        return None
    return too_much("data: URLs hold", size + decoded_size(elsewhere, MARKUP_RUN), max_bytes)


def raster_bytes(text: str, depth: int = 0) -> tuple[int | None, str]:
    """Return the bytes in raster ``data:`` URLs, None if there are none, and the text between URLs."""
    size: int | None = None
    outside = []
    position = 0
    while url := _DATA_URL.search(text, position):
        outside.append(text[position : url.start()])
        kind, _, options = url[1].lower().partition(";")
        is_base64 = "base64" in options
        payload = (_BASE64_PAYLOAD if is_base64 else _PLAIN_PAYLOAD).match(text, url.end())
        position = payload.end() if payload else url.end()
        content = unquote_to_bytes(text[url.end() : position].encode("utf-8", "replace"))
        if is_base64:
            content = _base64_bytes(content)
        if kind.strip() in _DOCUMENT_TYPES and depth < _DEEPEST:
            inner, _ = raster_bytes(content.decode("latin-1"), depth + 1)
        elif kind.strip() in _DOCUMENT_TYPES or kind.startswith("image/") or content.startswith(_SIGNATURES):
            inner = len(content)
        else:
            if "/" not in kind:  # prose or a script's "data: 1, 2", not a URL
                outside.append(text[url.start() : position])
            continue
        if inner is not None:
            size = (size or 0) + inner
    outside.append(text[position:])
    return size, "\n".join(outside)


def _base64_bytes(text: bytes) -> bytes:
    """Decode base64 as leniently as browsers do, and drop what is left over at the end."""
    digits = re.sub(rb"[^A-Za-z0-9+/]", b"", text.replace(b"-", b"+").replace(b"_", b"/"))
    return base64.b64decode(digits[: len(digits) // 4 * 4])
