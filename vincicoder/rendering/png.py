"""PNG files of figures, which code saves and hardly ever reads: made fast rather than small.

Pillow tries five filters on each row, which takes longer than to compress it. Standard library only: it runs under any
interpreter.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_INCH = 0.0254  # metres


def png_of(image: Image.Image) -> bytes:
    """Return the PNG file of an RGBA image, with its ``info["dpi"]``.

    Example:
        >>> from PIL import Image
        >>> image = Image.new("RGBA", (3, 2), "teal")
        >>> image.info["dpi"] = 100.0, 100.0
        >>> png_of(image)[1:4]
        b'PNG'
    """
    width, height = image.size
    content, stride = image.tobytes(), 4 * width
    rows = b"".join(b"\0" + content[start : start + stride] for start in range(0, len(content), stride))
    across, down = (int(each / _INCH + 0.5) for each in image.info["dpi"])
    header = struct.pack("!IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"pHYs", struct.pack("!IIB", across, down, 1)), (b"IDAT", zlib.compress(rows, 1)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in (*chunks, (b"IEND", b"")))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))
