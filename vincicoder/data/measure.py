"""What sampling, reports and audits know of a record: sizes, a fingerprint of its image, a digest of its code."""

from __future__ import annotations

import ast
import functools
import hashlib
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vincicoder.languages import find_language

if TYPE_CHECKING:
    from PIL import Image

HASH_SIDE = 16
"""A fingerprint has this many bits squared."""

_PIXELS = 64
_TOKEN = re.compile(r"[A-Za-z_]+|\d{1,3}|[^\w\s]")


def measures(code: str, language: str, image: Image.Image) -> dict[str, Any]:
    """Return what is noted in a record's checks.

    Returns:
        ``tokens`` (see :func:`count_tokens`), ``width`` and ``height`` in pixels, ``phash`` (hexadecimal
        :func:`fingerprint`) and ``code_digest``.
    """
    return {
        "tokens": count_tokens(code),
        "width": image.width,
        "height": image.height,
        "phash": fingerprint(image).tobytes().hex(),
        "code_digest": code_digest(code, language),
    }


def count_tokens(text: str) -> int:
    """Estimate how many tokens a text has: words, groups of up to three digits, and signs."""
    return len(_TOKEN.findall(text))


def image_tokens(width: int, height: int, side: int, least: int, most: int) -> int:
    """Return how many tokens Qwen's models make of an image.

    Both sides are rounded to multiples of ``side``; an image that then has too many tokens or too few is scaled, down
    to the last multiple or up to the next. This is the rule of ``qwen_vl_utils.smart_resize``.

    Args:
        width: In pixels.
        height: In pixels.
        side: Pixels of the square that becomes one token: 32 for Qwen3-VL, 28 for Qwen2.5-VL.
        least: Tokens, at the least.
        most: Tokens, at the most.

    Example:
        >>> image_tokens(1024, 768, 32, 256, 4096), image_tokens(64, 64, 32, 256, 4096)
        (768, 256)
    """
    columns, rows = max(1, round(width / side)), max(1, round(height / side))
    pixels = width * height
    if columns * rows > most:
        scale = math.sqrt(pixels / (most * side**2))
        columns, rows = (max(1, math.floor(each / scale / side)) for each in (width, height))
    elif columns * rows < least:
        scale = math.sqrt(least * side**2 / pixels)
        columns, rows = (math.ceil(each * scale / side) for each in (width, height))
    return columns * rows


def fingerprint(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Return the perceptual hash of a image: which of its lowest frequencies are above their median.

    Returns:
        256 bits packed into 32 bytes. Few bits differ between images that look the same at 64 x 64.
    """
    from PIL import Image as Images

    small = image.convert("L").resize((_PIXELS, _PIXELS), Images.Resampling.BOX)
    pixels = np.asarray(small, np.float64)
    low = _cosines() @ pixels @ _cosines().T
    # Rounded, so that the last bit of a product, which differs between machines, decides nothing.
    low = np.round(low, 3)
    return np.packbits(low > np.median(low))


@functools.cache
def _cosines() -> npt.NDArray[np.float64]:
    """Return the first rows of the discrete cosine transform but the constant one."""
    frequency = np.arange(1, HASH_SIDE + 1)[:, None]
    place = np.arange(_PIXELS)[None, :]
    cosines: npt.NDArray[np.float64] = np.cos(np.pi * frequency * (2 * place + 1) / (2 * _PIXELS))
    return cosines


def code_digest(code: str, language: str) -> str:
    """Return a digest that does not change with comments, blank space and, in Python, layout."""
    text = _python_tree(code) if language == "python" else None
    if text is None:
        known = find_language(language)
        comments = known.comments if known else None
        text = " ".join((comments.sub("", code) if comments else code).split())
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def _python_tree(code: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
