"""A row of a trainer's batch to a request: the target, the language and the prompt, wherever they stand."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vincicoder.languages import get_language

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

NO_TARGET = b""
"""The target of a request whose row has none."""

_TARGET_KEYS = ("target", "image", "images", "multi_modal_data")
_PROMPT_KEYS = ("prompt", "problem", "question")
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_PICTURE_HEADS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")


def answer_fields(ground_truth: Any) -> Mapping[str, Any]:
    """Read a data set's answer column.

    Args:
        ground_truth: A mapping, or JSON text of one, with any of ``target``, ``language`` and ``code``; or
            only the target (bytes, a PIL image, base64 text, the path of a picture); or only the reference
            code.

    Returns:
        The mapping; ``{"target": ...}`` or ``{"code": ...}`` when the column holds just the one thing.
    """
    if ground_truth is None:
        return {}
    if isinstance(ground_truth, Mapping):
        return ground_truth
    if not isinstance(ground_truth, str):
        return {"target": ground_truth}
    if ground_truth.lstrip().startswith("{"):
        try:
            fields = json.loads(ground_truth)
        except (ValueError, RecursionError):
            return {"code": ground_truth}
        return fields if isinstance(fields, dict) else {"code": ground_truth}
    text = ground_truth.strip()
    is_path = "\n" not in text and text.lower().endswith(_PICTURE_SUFFIXES)
    return {"target": text} if is_path or _is_content(text) else {"code": ground_truth}


def _is_content(text: str) -> bool:
    """Whether ``text`` holds a picture rather than naming one, or is a URL and so complete as it stands."""
    if text.startswith(("data:", "file:")):
        return True
    try:
        head = base64.b64decode("".join(text[:64].split())[:16], validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(text) >= 64 and head.startswith(_PICTURE_HEADS)


def request_from(
    response: str,
    sources: Sequence[Mapping[str, Any]],
    image_dir: str | Path | None = None,
) -> RewardRequest:
    """Turn one row of a trainer's batch into a request.

    Args:
        response: What the model wrote.
        sources: Where to look for the target (``target``, ``image``, ``images`` or ``multi_modal_data``), the
            ``language`` and the prompt (``prompt``, ``problem`` or ``question``); the first that has one
            wins.
        image_dir: Folder that relative paths of targets start from.

    Returns:
        The request. Its target is ``NO_TARGET`` when no source has one, which scores as ``bad_target``.

    Raises:
        ConfigError: The language is not known. Raised here, so that no other row's batch fails with it.
    """
    from vincicoder.reward import RewardRequest

    found = (_picture(source[key], image_dir) for source in sources for key in _TARGET_KEYS if key in source)
    target = next((picture for picture in found if picture is not None), NO_TARGET)
    language = _text(sources, ("language",))
    return RewardRequest(
        response=response,
        target=target,
        prompt=_text(sources, _PROMPT_KEYS),
        language=get_language(language).name if language else None,
    )


def text_of(messages: Any) -> str | None:
    """Return the text of the last message, or None if there is none.

    Args:
        messages: Text; or messages ``{"role", "content"}`` whose content is text or parts ``{"type", "text"}``, as
            chat templates take them.
    """
    if isinstance(messages, str) or not messages:
        return messages or None
    content = messages[-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content or () if isinstance(part, Mapping) and part.get("text")) or None


def picture_in(messages: Sequence[Mapping[str, Any]]) -> Any:
    """Return the first picture in a conversation, in whatever form it is there, or None if there is none.

    Args:
        messages: Messages whose content is text, or parts of which pictures are ``{"type": "image", ...}``.
    """
    parts = (part for each in messages if not isinstance(each["content"], str) for part in each["content"] or ())
    pictures = (_picture(part, None) for part in parts if isinstance(part, Mapping) and part.get("type") == "image")
    return next((picture for picture in pictures if picture is not None), None)


def _text(sources: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str | None:
    texts = (source.get(key) for source in sources for key in keys)
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def _picture(value: Any, image_dir: str | Path | None) -> Any:
    """Return the first picture in ``value`` with its path made whole, or None if there is none."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        held = (value.get(key) for key in ("bytes", "path", "images", "image"))
        return next((picture for each in held if (picture := _picture(each, image_dir)) is not None), None)
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return _picture(value[0], image_dir) if len(value) else None
    if isinstance(value, (str, bytes)) and not value.strip():
        return None
    if image_dir is None or not isinstance(value, (str, Path)) or _is_content(str(value)):
        return value
    return str(Path(image_dir).expanduser() / value)
