"""An episode of TRL in which the policy looks at what its code draws: ``environment_factory`` of ``GRPOTrainer``."""

from __future__ import annotations

from typing import Any

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.rows import request_from, text_of
from vincicoder.trainers.turns import Renderer, answer_of_call, feedback


class RenderEnvironment:
    """Offers the policy the tool ``render``.

    TRL takes every public method for a tool. ``CompletionReward.environment`` makes one.

    Args:
        renderer: What renders.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._language = ""

    def reset(self, **row: Any) -> None:
        """Begin an episode.

        Args:
            row: Columns of the data set's row.
        """
        sources = (row, answer_fields(row.get("solution")), {"prompt": text_of(row.get("prompt"))})
        self._language = request_from("", sources).language or ""

    def render(self, code: str) -> list[dict[str, Any]]:
        """Render code and look at the image that it gives.

        Args:
            code: The complete code, without a fence.
        """
        shown = feedback(self._renderer, answer_of_call("render", {"code": code}, self._language) or "", self._language)
        image = [] if shown.image is None else [{"type": "image", "image": shown.image}]
        return [*image, {"type": "text", "text": shown.text}]
