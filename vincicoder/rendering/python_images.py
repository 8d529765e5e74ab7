"""Count the images that Python code brings along, where its libraries decode them or take their pixels.

An indication and no proof: the counting runs in the same process as the code, which can forge or avoid it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_COMPUTED = 2
"""Pixels that compress to more than this many times what the constants of the code hold were computed."""

_LEAST = 1024
"""Bytes, compressed. Code whose constants hold less brings no image of use, and nothing of it is counted."""

_MOST_BYTES = 64 << 20  # of pixels that are looked at; no constants hold as much


class DecodedImages:
    """The images that code brings along.

    Pixels that a program computes are none: an image counts only if the constants of the code could hold it.

    Args:
        program: The code, compiled.
    """

    def __init__(self, program: CodeType) -> None:
        held = " ".join(map(str, _constants(program)))
        self._held = len(zlib.compress(held.encode("utf-8", "replace")))
        self._sizes: dict[bytes, int] = {}
        self._own: set[bytes] = set()

    @property
    def embedded_bytes(self) -> int:
        """Bytes of the images so far, compressed, each once."""
        return sum(size for digest, size in self._sizes.items() if digest not in self._own)

    def install(self) -> None:
        """Watch the functions that decode images or take pixels."""
        if self._held < _LEAST:
            return
        for name, hook in (("PIL.Image", self._hook_pillow), ("matplotlib.image", self._hook_matplotlib)):
            if name in sys.modules:
                hook(sys.modules[name])

    def disown(self, content: bytes) -> None:
        """Do not count a file that a library has encoded from what the code drew."""
        self._own.add(_digest(content))

    def _add_file(self, content: bytes, image: Image.Image) -> None:
        """Count an image file, or its pixels where these hold less, as they do in files without compression."""
        if image.width * image.height * 4 <= _MOST_BYTES:
            self._add(_digest(content), min(len(content), _compressed(image.convert("RGBA").tobytes())))

    def _add_pixels(self, pixels: bytes) -> None:
        if len(pixels) <= _MOST_BYTES:
            self._add(_digest(pixels), _compressed(pixels))

    def _add(self, digest: bytes, size: int) -> None:
        if size <= _COMPUTED * self._held:
            self._sizes[digest] = size

    def _hook_pillow(self, pillow: Any) -> None:
        open_file = pillow.open

        def counting_open(fp: Any, *args: Any, **options: Any) -> Any:
            with contextlib.suppress(Exception):  # which the code itself will meet
                content = _content(fp)
                self._add_file(content, open_file(io.BytesIO(content)))
            return open_file(fp, *args, **options)

        def counting(take: Callable[..., Any], place: int) -> Callable[..., Any]:
            def taking(*args: Any, **options: Any) -> Any:
                data = options.get("data", args[place] if len(args) > place else None)
                self._add_pixels(_plain(data))
                return take(*args, **options)

            return taking

        pillow.open = counting_open
        for name in ("frombytes", "frombuffer"):
            setattr(pillow, name, counting(getattr(pillow, name), 2))
        pillow.Image.putdata = counting(pillow.Image.putdata, 1)
        pillow.Image.frombytes = counting(pillow.Image.frombytes, 1)

    def _hook_matplotlib(self, image: Any) -> None:
        def counting(set_data: Callable[..., Any]) -> Callable[..., Any]:
            def setting(owner: Any, data: Any, *args: Any, **options: Any) -> Any:
                if len(getattr(data, "shape", ())) == 3:  # else numbers, plotted by a colour map
                    self._add_pixels(_plain(data))
                return set_data(owner, data, *args, **options)

            return setting

        for owner in (image.AxesImage, image.BboxImage, image.FigureImage):
            owner.set_data = counting(owner.set_data)


def _constants(program: CodeType) -> Iterable[object]:
    """Yield the constants of compiled code and of its functions, one by one."""
    waiting: list[object] = [*program.co_consts]
    while waiting:
        constant = waiting.pop()
        if isinstance(constant, CodeType):
            waiting += constant.co_consts
        elif isinstance(constant, (tuple, frozenset)):
            waiting += reversed(tuple(constant))
        else:  # the decimals of enormous integers are refused
            yield hex(constant) if isinstance(constant, int) else constant


def _plain(data: Any) -> bytes:
    """Return pixels in a byte each, of whatever kind they are; none if they are of no kind that is known."""
    numpy = sys.modules.get("numpy")
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if numpy is None or not isinstance(data, (numpy.ndarray, Iterable)):
        return b""
    try:
        pixels = numpy.asarray(data if isinstance(data, numpy.ndarray) else list(data))
        pixels = pixels * 255 if pixels.dtype.kind == "f" and pixels.size and pixels.max() <= 1 else pixels
        return bytes(pixels.clip(0, 255).astype(numpy.uint8).tobytes())
    except (TypeError, ValueError, AttributeError):
        return b""


def _content(fp: Any) -> bytes:
    """Return what a file holds, without moving in it."""
    if isinstance(fp, (str, os.PathLike)):
        return Path(fp).read_bytes()
    place = fp.tell()
    try:
        return bytes(fp.read())
    finally:
        fp.seek(place)


def _compressed(pixels: bytes) -> int:
    return len(zlib.compress(pixels))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
