"""A row of a trainer's batch to a request: target, language, prompt, reference and the rest, wherever they stand."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vincicoder.alignment import asked_language, last_block
from vincicoder.data.cells import answer_fields, find_image
from vincicoder.errors import ConfigError
from vincicoder.evaluation.export import CELL
from vincicoder.languages import get_language

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

NO_TARGET = b""
"""The target of a request whose row has none."""

NO_LANGUAGE = ""
"""The language of a request whose row does not say it."""

Sources = Sequence[Mapping[str, Any]]
"""Where the parts of a row may be; the first that has one wins."""

_TARGET_KEYS = ("target", "image", "images", "multi_modal_data")
_PROMPT_KEYS = ("prompt", "problem", "question")
_REFERENCE_KEYS = ("reference", "code", "solution", "assistant_content")
_NO_METADATA = {*_TARGET_KEYS, *_PROMPT_KEYS, *_REFERENCE_KEYS, "language", "response", "ground_truth", "messages"}
_LONGEST_METADATA = 256
"""Characters of a text that is kept; longer ones are code, prose or encoded images."""


def request_from(response: str, sources: Sources, image_dir: str | Path | None = None) -> RewardRequest:
    r"""Turn one row of a trainer's batch into a request.

    The language is the row's ``language``, else what the prompt asks for, else the tag of the reference's fence.
    Small plain values under all other keys become ``metadata``.

    Args:
        response: What the model wrote.
        sources: Where to find the target (``target``, ``image``, ``images`` or ``multi_modal_data``), the
            ``language``, the prompt (``prompt``, ``problem`` or ``question``) and the reference (``reference``,
            ``code``, ``solution`` or ``assistant_content``: code, or a text with a fenced block of it).
        image_dir: Directory that relative paths of targets start from.

    Returns:
        The request. Its target is ``NO_TARGET`` when no source has one, and its language ``NO_LANGUAGE`` when nothing
        says it. A language that is not known is kept as it is: it scores as ``bad_request``, in its row alone.

    Example:
        >>> row = {"images": ["icon.png"], "solution": "```svg\n<svg/>\n```", "uid": "7"}
        >>> request = request_from("no idea", [row], image_dir="/data")
        >>> request.target, request.language, request.reference, request.metadata
        ('/data/icon.png', 'svg', '<svg/>', {'uid': '7'})
    """
    from vincicoder.reward import RewardRequest

    found = (find_image(source[key], image_dir) for source in sources for key in _TARGET_KEYS if key in source)
    target = next((image for image in found if image is not None), NO_TARGET)
    prompt = _text(sources, _PROMPT_KEYS)
    fence, reference = _reference(sources)
    return RewardRequest(
        response=response,
        target=target,
        prompt=prompt,
        language=_language(_text(sources, ("language",)), prompt, fence),
        reference=reference,
        metadata=_metadata(sources),
    )


def says_language(sources: Sources) -> bool:
    """Return whether a row has a language or a prompt, so that its prompt need not be looked for elsewhere.

    Args:
        sources: Where the parts of the row may be.

    Example:
        >>> says_language([{"problem": "Write SVG."}]), says_language([{"answer": "<svg/>"}])
        (True, False)
    """
    return _text(sources, ("language", *_PROMPT_KEYS)) is not None


def text_of(messages: Any) -> str | None:
    """Return the text of the last message, or None if there is none.

    Args:
        messages: Text; or messages ``{"role", "content"}`` whose content is text or parts ``{"type", "text"}``, as
            chat templates take them.

    Example:
        >>> text_of([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "As SVG."}]}])
        'As SVG.'
    """
    if isinstance(messages, str) or not messages:
        return messages or None
    content = messages[-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content or () if isinstance(part, Mapping) and part.get("text")) or None


def image_in(messages: Sequence[Mapping[str, Any]]) -> Any:
    """Return the first image in a conversation, in whatever form it is there, or None if there is none.

    Args:
        messages: Messages whose content is text, or parts of which images are ``{"type": "image", ...}``.

    Example:
        >>> image_in([{"role": "user", "content": [{"type": "image", "image": "chart.png"}]}])
        'chart.png'
    """
    parts = (part for each in messages if not isinstance(each["content"], str) for part in each["content"] or ())
    images = (find_image(part, None) for part in parts if isinstance(part, Mapping) and part.get("type") == "image")
    return next((image for image in images if image is not None), None)


def _text(sources: Sources, keys: Sequence[str]) -> str | None:
    texts = (source.get(key) for source in sources for key in keys)
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def _language(named: str | None, prompt: str | None, fence: str | None) -> str:
    if named is None:
        return (prompt and _asked(prompt)) or fence or NO_LANGUAGE
    try:
        return get_language(named).name
    except ConfigError:
        return named


@functools.lru_cache(maxsize=1024)
def _asked(prompt: str) -> str | None:
    """Return the language that a prompt asks for; cached, as all responses of a group share it."""
    language = asked_language(prompt)
    return language.name if language else None


def _reference(sources: Sources) -> tuple[str | None, str | None]:
    """Return the language that the fence of the reference names and the reference, each None if there is none."""
    for source in sources:
        for key in _REFERENCE_KEYS:
            text = source.get(key)
            code = answer_fields(text).get("code") if isinstance(text, str) else None
            if isinstance(code, str) and code.strip():
                block = last_block(code)
                return (block[0].name, block[1]) if block else (None, code)
    return None, None


def _metadata(sources: Sources) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    for source in reversed(sources):
        for key, value in source.items():
            value = value.item() if isinstance(value, np.generic) else value
            short = isinstance(value, str) and (len(value) <= _LONGEST_METADATA or key == CELL)
            if (short or isinstance(value, (bool, int, float))) and key not in _NO_METADATA:
                metadata[str(key)] = value
    return metadata
