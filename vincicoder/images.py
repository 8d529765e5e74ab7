"""Targets: every form in which a caller may hand over an image, opened as RGB.

===============================================  =====================================================
Form                                             Meaning
===============================================  =====================================================
``os.PathLike``                                  path of an image file
``str``                                          path, ``file://`` URL, ``data:`` URL or base64 text
``bytes``, ``bytearray``, ``memoryview``         content of an image file
``PIL.Image.Image``                              the image
``numpy.ndarray`` of uint8                       its pixels, RGB, shape [height, width, 3]
mapping                                          one of the above under ``bytes``, ``path`` or ``image``;
                                                 the first of these that is not None
list, tuple or object array of length one        its only item
===============================================  =====================================================

Text without a scheme is a path if such a file exists, base64 if it decodes to an image file, and else an
error. Nothing is fetched from the network, and no other program is started: image files of unknown origin are opened
by `open_image` only, which knows a few formats, and no EPS.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import os
import reprlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError, features

from vincicoder.errors import TargetError

TargetLike: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | Image.Image
    | np.ndarray[Any, Any]
    | Mapping[str, Any]
    | Sequence[Any]
)

MAX_PIXELS = 25_000_000
"""Largest image that is opened, in pixels; as RGB it takes 75 MB."""

_MAX_BYTES = 256 * 2**20  # of a file; more than an uncompressed file of that many pixels needs

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")

_NESTING = 16  # mappings and lists around a target; trainers and data sets use two or three

_WEBP_SIDE = 16_383
"""Longest side of a WebP file."""

_FILE_TYPES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp", b"GIF8": "gif"}

_DECODING = threading.Lock()
"""Requests of one group share their image, and Pillow cannot decode one image in two threads at once."""


@functools.cache
def image_formats() -> tuple[str, ...]:
    """Return the formats that are opened, by Pillow's names, as far as this Pillow has them.

    Pillow knows many more. Some of its decoders start other programs (EPS starts Ghostscript), and most of the rest
    are little used and little tested.

    Example:
        >>> "PNG" in image_formats(), "EPS" in image_formats()
        (True, False)
    """
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def open_image(content: bytes) -> Image.Image:
    """Open an image file of unknown origin. Its size is known then, and its pixels are not yet decoded.

    Args:
        content: The file.

    Raises:
        PIL.UnidentifiedImageError: It is in none of `image_formats`.
        PIL.Image.DecompressionBombError: It has more pixels than Pillow ever opens.

    Example:
        >>> open_image(Path("chart.png").read_bytes()).size  # doctest: +SKIP
        (640, 480)
    """
    return Image.open(io.BytesIO(content), formats=image_formats())


def open_target(target: TargetLike, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return a target as a new RGB image.

    Transparency is laid over white, 16-bit grey is scaled to 8 bits, EXIF orientation is applied, and an animation
    gives its first frame. Colour profiles are not applied.

    Args:
        target: The image, in one of the forms in this module's documentation.
        max_pixels: Images with more pixels are refused before they are decoded. Pillow's own limit of twice
            ``PIL.Image.MAX_IMAGE_PIXELS`` holds as well.

    Raises:
        TargetError: The target is not a readable image within the limit. The message names the target.

    Example:
        >>> open_target({"image": np.zeros((2, 3, 3), np.uint8)}).size
        (3, 2)
    """
    content = target_content(target)
    try:
        if isinstance(content, Image.Image):
            _check_size(content, max_pixels)
            _check_format(content)
            with _DECODING:
                content.load()
            return _flatten(content)
        with open_image(content) as image:
            _check_size(image, max_pixels)
            return _flatten(image)
    except UnidentifiedImageError as error:
        raise TargetError(f"target {_name(target)} is not an image file of a known format: {_known()}") from error
    except Exception as error:  # Pillow's decoders raise errors of any kind on damaged files.
        raise TargetError(f"target {_name(target)} cannot be opened as an image: {error}") from error


def target_key(target: TargetLike) -> str:
    """Return a digest of a target's content, equal for equal files in whatever form they are given.

    Files are not decoded; PIL images and arrays are digested by their pixels.

    Args:
        target: The image, in one of the forms in this module's documentation.

    Returns:
        32 hexadecimal digits.

    Raises:
        TargetError: The target cannot be read.

    Example:
        >>> black = np.zeros((2, 3, 3), np.uint8)
        >>> target_key(black) == target_key(Image.fromarray(black))
        True
    """
    content = target_content(target)
    if isinstance(content, Image.Image):
        image = open_target(content)
        content = b"%dx%d " % image.size + image.tobytes()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _check_size(image: Image.Image, max_pixels: int) -> None:
    pixels = image.width * image.height
    if not 0 < pixels <= max_pixels:
        raise ValueError(f"it has {image.width}x{image.height} pixels; expected 1 to {max_pixels:,} in all")


def _check_format(image: Image.Image) -> None:
    """Refuse a file that a caller has opened, but not decoded, in a format that is not ours to decode."""
    known = (*image_formats(), "MPO", None)  # a JPEG file that holds several images opens as MPO
    if isinstance(image, ImageFile.ImageFile) and image.format not in known:
        raise ValueError(f"its format is {image.format}; expected one of {_known()}")


def _known() -> str:
    return ", ".join(image_formats())


def _flatten(image: Image.Image) -> Image.Image:
    """Return the image upright, in 8-bit RGB, over white."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        pixels = np.asarray(image).astype(np.float32)  # exact for 16 bits; all above is clipped
        # 32-bit files open as "I", with older versions of Pillow 16-bit ones too; some hold 8-bit values.
        scale = 1 if image.mode == "I" and pixels.max() <= 255 else 257
        return Image.fromarray((pixels / scale).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.getbands()[-1] in "Aa" or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def target_content(target: TargetLike) -> bytes | Image.Image:
    """Return the image file's bytes, or the image where there is no file.

    Args:
        target: The image, in one of the forms in this module's documentation.

    Raises:
        TargetError: The target cannot be read.

    Example:
        >>> target_content([{"bytes": b"content of a file"}])
        b'content of a file'
    """
    return _plain_content(unwrapped(target))


def unwrapped(target: TargetLike) -> Any:
    """Return what the mappings and lists around a target hold: text, a path, bytes, an image, or what is no target.

    Args:
        target: The image, in one of the forms in this module's documentation.

    Raises:
        TargetError: One of them does not hold exactly one image, or there are too many of them.

    Example:
        >>> unwrapped([{"bytes": None, "path": "chart.png"}])
        'chart.png'
    """
    inner: Any = target
    for _ in range(_NESTING):
        if isinstance(inner, Mapping):
            inner = _item_of_mapping(inner)
        elif _is_sequence(inner):
            inner = _item_of_sequence(inner)
        else:
            return inner
    raise TargetError(f"target {_name(target)} is nested more than {_NESTING} deep; give the image itself")


def _plain_content(target: object) -> bytes | Image.Image:
    if isinstance(target, Image.Image):
        return target
    if isinstance(target, bytes | bytearray | memoryview):
        return bytes(target)
    if isinstance(target, str):
        return _content_of_text(target)
    if isinstance(target, os.PathLike):
        return file_content(Path(target))
    if isinstance(target, np.ndarray):
        if target.dtype != np.uint8 or target.ndim != 3 or target.shape[2] != 3:
            raise TargetError(f"target {_name(target)} is not an array of uint8 with shape [height, width, 3]")
        return Image.fromarray(np.ascontiguousarray(target))
    raise TargetError(
        f"target {_name(target)} is no image; give a path, bytes, a PIL image, base64 text, "
        "or a mapping with 'bytes' or 'path'"
    )


def _is_sequence(target: object) -> bool:
    if isinstance(target, np.ndarray):
        return bool(target.dtype == np.object_)
    return isinstance(target, Sequence) and not isinstance(target, str | bytes | bytearray | memoryview)


def _item_of_mapping(target: Mapping[str, Any]) -> Any:
    for key in ("bytes", "path", "image"):
        if target.get(key) is not None:
            return target[key]
    raise TargetError(f"target {_name(target)} has nothing under 'bytes', 'path' or 'image'")


def _item_of_sequence(target: Any) -> Any:
    items = target.ravel().tolist() if isinstance(target, np.ndarray) else target
    if len(items) != 1:
        raise TargetError(f"target {_name(target)} holds {len(items)} items; expected exactly one image")
    return items[0]


def _content_of_text(text: str) -> bytes:
    scheme = text.lstrip()[:8].lower()
    if scheme.startswith("data:"):
        return _content_of_data_url(text)
    if scheme.startswith("file://"):
        return file_content(Path(unquote(text.strip()[len("file://") :].removeprefix("localhost"))))
    if scheme.startswith(("http://", "https://")):
        raise TargetError(f"target {_name(text)} is a network address; download it and give its path")
    if _exists(text):
        return file_content(Path(text))
    content = _from_base64(text)
    if content is None or not _is_image(content):
        raise TargetError(f"target {_name(text)} is neither an existing file nor base64 text of an image file")
    return content


def file_content(path: Path) -> bytes:
    """Return what a file of unknown origin holds, so that no device, pipe or file of ``/proc`` is read without end.

    Raises:
        TargetError: It is no regular file, is empty, as those of ``/proc`` say that they are, or is too large.
    """
    try:
        found = path.is_file()
        size = path.stat().st_size if found else 0
        if 0 < size <= _MAX_BYTES:
            return path.read_bytes()
    except (OSError, ValueError) as error:
        raise TargetError(f"target {_name(path)} cannot be read: {error}") from error
    if found:
        raise TargetError(f"target {_name(path)} has {size:,} bytes; expected 1 to {_MAX_BYTES:,}")
    raise TargetError(f"target {_name(path)} is not an existing file")


def _content_of_data_url(text: str) -> bytes:
    head, comma, payload = text.strip().partition(",")
    try:
        raw = unquote_to_bytes(payload)
    except UnicodeEncodeError:
        raw = b""
    content = _from_base64(raw.decode("latin-1")) if head.lower().endswith(";base64") else raw
    if not comma or not content:
        raise TargetError(f"target {_name(text)} is a data: URL that cannot be decoded")
    return content


def compressed(image: Image.Image) -> bytes:
    """Return an image file that holds every pixel: WebP, or PNG where a side is longer than WebP allows.

    Example:
        >>> compressed(Image.new("RGB", (64, 64)))[8:12]
        b'WEBP'
    """
    buffer = io.BytesIO()
    if max(image.size) <= _WEBP_SIDE and features.check("webp"):
        image.save(buffer, "WEBP", lossless=True, quality=0, method=0)  # of the effort, not of the image
    else:
        image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def is_inline(text: str) -> bool:
    """Whether ``text`` holds an image itself, as base64 or a ``data:`` URL, rather than naming a file."""
    try:
        content = _content_of_data_url(text) if text.lstrip()[:5].lower() == "data:" else _from_base64(text)
    except TargetError:
        return False
    return content is not None and _is_image(content)


def file_type(content: bytes) -> str:
    """Return the type of an image file from how it begins, as in ``image/png``; "bin" if it is none of the usual.

    Example:
        >>> file_type(Path("target.jpg").read_bytes())  # doctest: +SKIP
        'jpeg'
    """
    return next((name for head, name in _FILE_TYPES.items() if content.startswith(head)), "bin")


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or characters that no path holds
        return False


def _from_base64(text: str) -> bytes | None:
    """Decode base64 of the standard or the URL alphabet, with or without white space and padding."""
    digits = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        return None


def _is_image(content: bytes) -> bool:
    try:
        open_image(content).close()
    except UnidentifiedImageError:
        return False
    except Exception:  # noqa: BLE001 - too large or damaged, which decoders say by errors of any kind
        return True
    return True


def _name(target: object) -> str:
    """Name a target in a message, in at most about 100 characters."""
    if isinstance(target, bytes | bytearray | memoryview):
        return f"of {len(bytes(target)):,} bytes beginning with {bytes(target)[:12]!r}"
    if isinstance(target, np.ndarray):
        return f"array of {target.dtype} with shape {list(target.shape)}"
    if isinstance(target, Mapping):
        return f"mapping with the keys {_shorten(reprlib.repr(list(target)))}"
    if isinstance(target, Image.Image):
        return f"PIL image of mode {target.mode}"
    if isinstance(target, os.PathLike):
        target = os.fspath(target)
    if isinstance(target, str):
        return _shorten(repr(target[:200]), len(target))
    return f"of type {type(target).__name__}"


def _shorten(text: str, length: int = 0) -> str:
    if len(text) <= 100:
        return text
    return f"{text[:80]}… ({max(length, len(text)):,} characters)"
