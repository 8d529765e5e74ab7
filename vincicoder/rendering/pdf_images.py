"""How much raster image a PDF holds. Runs where the PDF was made: hostile ones are parsed in confinement only."""

from __future__ import annotations

import re
import zlib
from typing import Any

_DEEPEST_FORM = 15
_STREAM = re.compile(rb"obj\b((?:(?!\bobj\b|stream).){0,4000})stream\r?\n", re.DOTALL)
_INLINE_IMAGE = re.compile(rb"\bBI\b.{0,500}?/W(?:idth)?\b.{0,500}?\bID\s(.*?)\bEI\b", re.DOTALL)
_NAME_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_MOST_INFLATED = 64 << 20


def embedded_bytes(pdf: bytes, page: Any) -> int:
    """Return the bytes of the raster images in a page, as they are stored.

    PDFium knows the images that the page and its forms show, whatever filters hide them, but not those in patterns,
    masks and glyphs; the streams of the file hold those as well. The larger count is right.

    Args:
        pdf: The file.
        page: Its first page, opened by pypdfium2.
    """
    return max(_shown(page), _stored(pdf))


def _shown(page: Any) -> int:
    """Return the bytes of the image objects of a page and its forms."""
    from pypdfium2 import raw

    images = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_DEEPEST_FORM)
    return sum(raw.FPDFImageObj_GetImageDataRaw(image.raw, None, 0) for image in images)


def _stored(pdf: bytes) -> int:
    """Return the bytes of the image streams of a file, and of the inline images in its other streams."""
    size = 0
    for head in _STREAM.finditer(pdf):
        end = pdf.find(b"endstream", head.end())
        content = pdf[head.end() : end if end >= 0 else len(pdf)]
        if _IMAGE.search(_NAME_ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), head[1])):
            size += len(content)
        else:
            size += sum(len(image[1]) for image in _INLINE_IMAGE.finditer(_inflated(content)))
    return size


def _inflated(content: bytes) -> bytes:
    """Return a stream without its compression, or as it is where it has none."""
    try:
        return zlib.decompressobj().decompress(content, _MOST_INFLATED)
    except zlib.error:
        return content
