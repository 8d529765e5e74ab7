"""Cells of a table's row, in whatever form a data set or a trainer holds them: text, images, answers.

A cell that could not be decoded holds the error instead of a value; reading it raises a :class:`BadRow`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vincicoder.data.errors import BadRow, Reason

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_LONGEST_PATH = 4096
_IMAGE_HEADS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")


def require_text(row: Mapping[str, Any], name: str, if_empty: Reason) -> str:
    """Return the text under ``name``, line ends normalised.

    Raises:
        BadRow: It is missing, empty (for the reason ``if_empty``), or not text.
    """
    text = optional_text(row, name)
    if text is None:
        raise BadRow(Reason.MISSING_VALUE, f"{name} is missing")
    if not text.strip():
        raise BadRow(if_empty, f"{name} is empty")
    return text


def optional_text(row: Mapping[str, Any], name: str) -> str | None:
    """Return the text under ``name``, line ends normalised, or None if there is none.

    Raises:
        BadRow: It is not text.
    """
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, UnicodeError):
        raise BadRow(Reason.INVALID_UTF8, f"{name} is not valid UTF-8")
    if not isinstance(value, str):
        raise BadRow(Reason.WRONG_TYPE, f"{name} is {type(value).__name__}; expected text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can spell
            raise BadRow(Reason.INVALID_UTF8, f"{name} holds characters that UTF-8 cannot") from error
    return value.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def read_image(value: Any, directory: Path | None = None) -> bytes | str:
    """Return an image file's content as it is, or its path.

    Args:
        value: Bytes, a path, ``{"bytes", "path"}`` (``bytes`` may be base64 text), ``{"image": path}``, or a list of
            one of these.
        directory: Put before relative paths, if given.

    Raises:
        BadRow: It is none of them.
    """
    if isinstance(value, UnicodeError):
        raise BadRow(Reason.INVALID_UTF8, "the image's path is not valid UTF-8")
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        value = _content(value.get("bytes")) or value.get("path") or value.get("image")
    if value is None or value in (b"", ""):
        raise BadRow(Reason.MISSING_VALUE, "the image is missing")
    if isinstance(value, str):
        return str(directory / value) if directory else value
    if isinstance(value, bytes):
        return value
    raise BadRow(Reason.WRONG_TYPE, f"the image is {type(value).__name__}; expected bytes or a path")


def image_cell(target: bytes | str) -> dict[str, Any]:
    """Return an image as most tables and trainers hold it: ``{"bytes", "path"}``, one of which is None."""
    return {"bytes": target, "path": None} if isinstance(target, bytes) else {"bytes": None, "path": target}


def _content(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRow(Reason.BROKEN_IMAGE, "the image's bytes are text, but not base64") from error


def find_image(value: Any, directory: str | Path | None = None) -> Any:
    """Return the first image in a cell in whatever form it is there, or None if there is none.

    Unlike :func:`read_image` it takes everything that a trainer's batch may hold, decoded images and arrays included,
    and leaves it to the reward to open them.

    Args:
        value: An image, a path, base64 text, a URL, or lists and mappings of these.
        directory: Put before relative paths, if given.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        held = (value.get(key) for key in ("bytes", "path", "images", "image"))
        return next((image for each in held if (image := find_image(each, directory)) is not None), None)
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return find_image(value[0], directory) if len(value) else None
    if isinstance(value, (str, bytes)) and not value.strip():
        return None
    if directory is None or not isinstance(value, (str, Path)) or _is_content(str(value)):
        return value
    return str(Path(directory).expanduser() / value)


def beside(value: Any, directory: Path) -> Any:
    """Turn the path of an image that is relative to a file's directory into one that can be opened from here.

    Args:
        value: An image as :func:`find_image` takes it; what is no path of an existing file there stays as it is.
        directory: The directory of the file that names the image.
    """
    if isinstance(value, Mapping) and value.get("bytes") is None and isinstance(value.get("path"), str):
        return {**value, "path": beside(value["path"], directory)}
    if isinstance(value, str) and len(value) < _LONGEST_PATH and not value.startswith(("data:", "file:")):
        return str(directory / value) if is_file(directory / value) else value
    return value


def is_file(path: Path) -> bool:
    """Whether there is such a file; a text that cannot name one, such as an image in base64, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def answer_fields(answer: Any) -> Mapping[str, Any]:
    """Read a data set's answer column.

    Args:
        answer: A mapping, or JSON text of one, with any of ``target``, ``language`` and ``code``; or only the target
            (bytes, a PIL image, base64 text, the path of an image); or only the reference code.

    Returns:
        The mapping; ``{"target": ...}`` or ``{"code": ...}`` when the column holds just the one thing.

    Example:
        >>> answer_fields("plots/a.png")
        {'target': 'plots/a.png'}
        >>> answer_fields('{"language": "svg", "code": "<svg/>"}')
        {'language': 'svg', 'code': '<svg/>'}
    """
    if answer is None:
        return {}
    if isinstance(answer, Mapping):
        return answer
    if not isinstance(answer, str):
        return {"target": answer}
    if answer.lstrip().startswith("{"):
        try:
            fields = json.loads(answer)
        except (ValueError, RecursionError):
            return {"code": answer}
        return fields if isinstance(fields, dict) else {"code": answer}
    text = answer.strip()
    is_path = "\n" not in text and text.lower().endswith(_IMAGE_SUFFIXES)
    return {"target": text} if is_path or _is_content(text) else {"code": answer}


def _is_content(text: str) -> bool:
    """Whether ``text`` holds an image rather than naming one, or is a URL and so complete as it stands."""
    if text.startswith(("data:", "file:")):
        return True
    try:
        head = base64.b64decode("".join(text[:64].split())[:16], validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(text) >= 64 and head.startswith(_IMAGE_HEADS)
