"""A row of a trainer's batch to a request: the target, the language and the prompt, wherever they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.data.cells import find_image
from vincicoder.languages import get_language

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

NO_TARGET = b""
"""The target of a request whose row has none."""

_TARGET_KEYS = ("target", "image", "images", "multi_modal_data")
_PROMPT_KEYS = ("prompt", "problem", "question")


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

    found = (find_image(source[key], image_dir) for source in sources for key in _TARGET_KEYS if key in source)
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
    pictures = (find_image(part, None) for part in parts if isinstance(part, Mapping) and part.get("type") == "image")
    return next((picture for picture in pictures if picture is not None), None)


def _text(sources: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str | None:
    texts = (source.get(key) for source in sources for key in keys)
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)
