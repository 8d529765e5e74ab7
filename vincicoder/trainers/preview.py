"""What a reward will see of the rows of a data set, told before a trainer has read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.rows import Sources, text_of

PUBLIC = ("problem", "answer", "images")
"""The columns of the public set, which EasyR1 takes, and ms-swift through our plugin."""

NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "easyr1": (PUBLIC,),
    "verl": (("prompt", "images"), ("prompt", "extra_info")),
    "swift": (("messages", "images"), PUBLIC, ("target", "code")),
    "trl": (("prompt", "image"), ("prompt", "images"), ("prompt", "target"), ("prompt", "solution")),
}
"""The columns that each trainer and its adapter need; any one of the sets will do."""


def preview(trainer: str, row: Mapping[str, Any]) -> Sources:
    """Return where the trainer's adapter will look for target, language, prompt and reference of a row.

    Args:
        trainer: One that `NEEDED` names.
        row: A row of the data set, its columns named as in `NEEDED`.

    Returns:
        What ``request_from`` takes.

    Example:
        >>> preview("easyr1", {"problem": "As SVG.", "answer": "<svg/>", "images": ["a.png"]})[0]
        {'code': '<svg/>'}
    """
    if trainer == "swift" and set(PUBLIC) <= set(row):
        trainer = "easyr1"
    return _SOURCES[trainer](row)


def _easyr1(row: Mapping[str, Any]) -> Sources:
    return answer_fields(row.get("answer")), row


def _verl(row: Mapping[str, Any]) -> Sources:
    truth = (row.get("reward_model") or {}).get("ground_truth")
    prompt = {"image": row.get("images"), "prompt": text_of(row.get("prompt"))}
    return row.get("extra_info") or {}, answer_fields(truth), prompt, row


def _completions(row: Mapping[str, Any]) -> Sources:
    asked = [each for each in row.get("messages") or () if each.get("role") == "user"]
    return row, answer_fields(row.get("solution")), {"prompt": text_of(row.get("prompt") or asked)}


_SOURCES: dict[str, Callable[[Mapping[str, Any]], Sources]] = {
    "easyr1": _easyr1,
    "verl": _verl,
    "swift": _completions,
    "trl": _completions,
}
