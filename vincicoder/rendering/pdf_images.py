"""How much raster image a PDF holds. Runs where the PDF was made: hostile ones are parsed in confinement only."""

from __future__ import annotations

import ctypes
import hashlib
import re
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

_DEEPEST_FORM = 15
_STREAM = re.compile(rb"obj\b((?:(?!\bobj\b|stream).){0,4000})stream\r?\n", re.DOTALL)
_INLINE_IMAGE = re.compile(rb"\bBI\b.{0,500}?/W(?:idth)?\b.{0,500}?\bID\s(.*?)\bEI\b", re.DOTALL)
_NAME_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_MOST_INFLATED = 64 << 20


def digests(files: Iterable[Path]) -> frozenset[bytes]:
    """Return digests of the pixels of images, as RGB and as their files hold them, for `embedded_bytes`."""
    from PIL import Image

    found = set()
    for file in files:
        with Image.open(file) as image:
            found |= {_digest(image.tobytes()), _digest(image.convert("RGBA").convert("RGB").tobytes())}
    return frozenset(found)


def embedded_bytes(pdf: bytes, page: Any, neutral: Collection[bytes] = ()) -> int:
    """Return the bytes of the raster images in a page, as they are stored.

    PDFium knows the images that the page and its forms show, whatever filters hide them, but not those in patterns,
    masks and glyphs; the streams of the file hold those as well. The larger count is right.

    Args:
        pdf: The file.
        page: Its first page, opened by pypdfium2.
        neutral: `digests` of images that do not count.
    """
    from pypdfium2 import raw

    shown, known = 0, []
    for image in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_DEEPEST_FORM):
        size = raw.FPDFImageObj_GetImageDataRaw(image.raw, None, 0)
        if neutral and _is_one_of(image, neutral):
            known.append(_data(image, raw.FPDFImageObj_GetImageDataRaw))
        else:
            shown += size
    return max(shown, _stored(pdf, known))


def _is_one_of(image: Any, neutral: Collection[bytes]) -> bool:
    """Whether an image of a page shows one of these, however it is packed."""
    from pypdfium2 import PdfiumError, raw

    if _digest(_data(image, raw.FPDFImageObj_GetImageDataDecoded)) in neutral:
        return True
    try:
        return _digest(image.get_bitmap().to_pil().convert("RGB").tobytes()) in neutral
    except (PdfiumError, ValueError):  # of a kind that has no pixels of its own, or of one that Pillow has not
        return False


def _data(image: Any, read: Any) -> bytes:
    buffer = (ctypes.c_ubyte * read(image.raw, None, 0))()
    read(image.raw, buffer, len(buffer))
    return bytes(buffer)


def _digest(pixels: bytes) -> bytes:
    return hashlib.blake2b(pixels, digest_size=16).digest()


def _stored(pdf: bytes, known: Collection[bytes] = ()) -> int:
    """Return the bytes of the image streams of a file, but for known ones, and of inline images in other streams."""
    size = 0
    for head in _STREAM.finditer(pdf):
        end = pdf.find(b"endstream", head.end())
        content = pdf[head.end() : end if end >= 0 else len(pdf)]
        if _IMAGE.search(_NAME_ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), head[1])):
            size += 0 if any(content.rstrip(b"\r\n") == each.rstrip(b"\r\n") for each in known) else len(content)
        else:
            size += sum(len(image[1]) for image in _INLINE_IMAGE.finditer(_inflated(content)))
    return size


def _inflated(content: bytes) -> bytes:
    """Return a stream without its compression, or as it is where it has none."""
    try:
        return zlib.decompressobj().decompress(content, _MOST_INFLATED)
    except zlib.error:
        return content
