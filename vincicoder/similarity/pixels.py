"""The pixels of a Pillow image, without the copy that Pillow makes under the interpreter's lock.

Where all responses of a node are scored in one process, such copies are what its threads wait for.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

PIXEL = np.dtype("V3")
"""Red, green and blue as one item, which numpy copies four times as fast as three."""

_STORED = 4
"""Bytes that Pillow stores for a pixel of RGB; the last one means nothing."""


class _ArrowArray(ctypes.Structure):
    """What a capsule of Arrow's C data interface points to, as far as it is read here."""


_ArrowArray._fields_ = (
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
)

_pointer_in = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_in.argtypes, _pointer_in.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p


class _Memory:
    """An image's memory as numpy reads it; keeps it alive as long as an array is made of it."""

    def __init__(self, capsule: Any, address: int, size: tuple[int, int]) -> None:
        self._capsule = capsule
        width, height = size
        self.__array_interface__ = {
            "version": 3,
            "typestr": PIXEL.str,
            "data": (address, True),
            "shape": (height, width),
            "strides": (_STORED * width, _STORED),
        }


def pixels(image: Image.Image) -> npt.NDArray[np.void]:
    """Return the pixels of an RGB image, read-only, dtype `PIXEL`, shape ``[height, width]``.

    They are Pillow's own memory where this Pillow shares it (11.2 or newer, and no more than 16 MB), else a copy.

    Args:
        image: An RGB image, which must not be changed while the array is used.

    Example:
        >>> np.ascontiguousarray(pixels(Image.new("RGB", (2, 1), (1, 2, 3)))).view(np.uint8).tolist()
        [[1, 2, 3, 1, 2, 3]]
    """
    share = getattr(image, "__arrow_c_array__", None)
    try:
        capsule = share()[1] if share is not None and image.mode == "RGB" else None
    except ValueError:  # its rows lie in several places
        capsule = None
    found = _ArrowArray.from_address(_pointer_in(capsule, b"arrow_array")) if capsule is not None else None
    count = image.width * image.height
    if found is None or found.n_children != 1 or found.children[0].contents.length != _STORED * count:
        return np.asarray(image).view(PIXEL)[..., 0]
    return np.asarray(_Memory(capsule, found.children[0].contents.buffers[1], image.size))
