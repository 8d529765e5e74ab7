"""What the beginnings of one piece of code earn. `VisualReward` says the same of any number of responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError, ScoringUnavailable, TargetError
from vincicoder.languages import LANGUAGES, get_language
from vincicoder.reward.result import RewardRequest
from vincicoder.status import Fault

if TYPE_CHECKING:
    from vincicoder.images import TargetLike

MOST = 20
"""Prefixes that are scored unless the caller says otherwise."""


def prefix_scores(code: str, language: str, target: TargetLike, **options: Any) -> list[tuple[int, float]]:
    r"""Score the beginnings of code: what it earns after each closed element (SVG) or statement (TikZ).

    All are rendered in one confined job, in the frame of the whole. The difference between two neighbours is what the
    strokes between them brought, and is negative where they made the image worse. For many responses, build a
    `VisualReward` with ``prefixes=20``, whose results have ``prefixes``.

    Args:
        code: The code, without a fence.
        language: Name or alias of its language.
        target: The image to reproduce: path, bytes, PIL image, base64 text or array.
        options: Options of `VisualReward`, such as ``encoder="embedded"``; ``prefixes`` is 20 unless given.

    Returns:
        Where each prefix ends, in characters of the code (a line end is one), and its reward in [0, 1]. The first is
        the empty drawing; the last is the whole code, with the reward of `score`. Code that does not render has none.

    Raises:
        ConfigError: The language has no prefixes, or an option is unknown or has a value that cannot work.
        TargetError: The target is not a readable image.
        ScoringUnavailable: This machine failed to score it.

    Example:
        >>> import vincicoder
        >>> vincicoder.prefix_scores(code, "svg", "icon.png", encoder="embedded")  # doctest: +SKIP
        [(64, 0.31), (118, 0.55), (171, 0.52), (177, 0.52)]
    """
    from vincicoder.data.answers import fenced
    from vincicoder.reward.visual_reward import VisualReward

    asked = get_language(language)
    name = asked.name
    if not asked.draws_prefixes:
        known = ", ".join(each.name for each in LANGUAGES.values() if each.draws_prefixes)
        raise ConfigError(f"prefixes of code in {name} cannot be drawn; the languages whose can: {known}")
    with VisualReward(**{"workers": 1, "prefixes": MOST, **options}) as reward:
        [result] = reward.score([RewardRequest(fenced(code, name), target, language=name)])
    if result.status.fault is Fault.DATA:
        raise TargetError(result.message)
    if result.status.fault is Fault.MACHINE:
        raise ScoringUnavailable(result.message)
    offset = max(0, code.replace("\r\n", "\n").find(result.code or ""))
    return [(offset + each.end, each.overall) for each in result.prefixes]
