r"""Guards: was the image earned, or is it blank or smuggled in as a raster?

An image is smuggled if it is not drawn, but comes from an image file or its bytes, encoded in the code or read from
elsewhere. Plotted data is never smuggled, however long, nor is a file that the code itself writes and reads back.

=========  ===========================================================================================
Language   What counts as smuggled
=========  ===========================================================================================
all        ``data:`` URLs of rasters, also inside ``data:`` URLs of SVG or HTML, above the cap in all;
           long base64 text elsewhere counts with them, as it can be joined to one
python     literals that hold encoded bytes, above the cap in all, in code that decodes (base64, hex,
           zlib, ``BytesIO``, ``frombuffer`` …); raw bytes and lists given to ``bytes`` above the cap;
           opening an image file that the code names nowhere else
html       scripts that decode base64 or spell out byte arrays above the cap; ``file:`` sources.
           Relative and remote sources are fine: the placeholder ``rick.jpg`` is one of them
svg        ``<image>`` and ``<feImage>`` with a file as source
latex      ``\includegraphics`` and every other way to place an image file, but for the neutral
           ``example-image…`` and ``example-grid…`` of the mwe package, which carry nothing of the
           target; PDF and PostScript literals with encoded data above the cap
=========  ===========================================================================================

These are rules about text, applied before anything is rendered: they catch what a model stumbles upon, and the
sandbox keeps files out of reach. Images that another spelling hides from them are counted where renderers decode
images, and `decoded_raster` judges the count.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from vincicoder.guards import data_urls, python
from vincicoder.guards.blank import is_blank
from vincicoder.languages import get_language
from vincicoder.registry import load

if TYPE_CHECKING:
    from vincicoder.rendering import Render

__all__ = ["PAYLOAD_CAP", "decoded_raster", "is_blank", "smuggled_raster"]

PAYLOAD_CAP = 2048
"""Bytes of encoded images that code may hold: room for a marker or a texture, not for a target."""


def smuggled_raster(code: str, language: str, max_bytes: int = PAYLOAD_CAP) -> str | None:
    """Return why the image that ``code`` makes is smuggled, by this module's table, or None if it is drawn.

    Args:
        code: The code; any text. Python that does not parse is left to the renderer to complain about.
        language: Name or alias of its language.
        max_bytes: The cap: bytes of encoded images that the code may hold.

    Raises:
        ConfigError: ``language`` is not known.

    Example:
        >>> smuggled_raster('<svg><image href="target.png"/></svg>', "svg") is None
        False
        >>> smuggled_raster('<svg><circle r="9"/></svg>', "svg") is None
        True
    """
    guard = get_language(language).guard or data_urls.smuggled
    rule: Callable[[str, int], str | None] = load(guard) if isinstance(guard, str) else guard
    return rule(code, max_bytes)


def decoded_raster(code: str, render: Render, max_bytes: int = PAYLOAD_CAP) -> str | None:
    """Return why a render shows an image that its code brought along, or None if it was drawn.

    The renderer counts the bytes of the images that it decodes. They count as smuggled only as far as the code could
    hold them, compressed: an image that a short program computes was not brought along, however large it is. Of
    Python, the literals hold them, of anything else all of the code.

    Args:
        code: The code.
        render: What it rendered.
        max_bytes: The cap: bytes of encoded images that the code may hold.

    Example:
        >>> from vincicoder.rendering import Render
        >>> from vincicoder.status import Status
        >>> render = Render(Status.OK, embedded_bytes=9000)
        >>> decoded_raster("def noise(): ...", render)
        >>> decoded_raster("".join(chr(40 + i * i * i % 9973 % 80) for i in range(9000)), render)
        'the renderer decoded 7,208 bytes of encoded image (allowed: 2,048)'
    """
    if render.embedded_bytes <= max_bytes:
        return None
    held = len(zlib.compress(python.literals(code).encode("utf-8", "replace")))
    return data_urls.too_much("the renderer decoded", min(render.embedded_bytes, held), max_bytes)
