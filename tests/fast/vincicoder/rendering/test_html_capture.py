"""What Chromium fails to capture by chance is captured again."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from vincicoder.rendering import html
from vincicoder.rendering.devtools import BrowserEnded, DevToolsError, Json


class Reluctant:
    """A session that refuses the first so many captures."""

    def __init__(self, refusals: int, error: type[DevToolsError] = DevToolsError) -> None:
        self.refusals, self.error, self.asked = refusals, error, 0

    def send(self, method: str, params: Json) -> dict[str, Any]:
        self.asked += 1
        if self.asked <= self.refusals:
            raise self.error(f"{method}: Unable to capture screenshot")
        return {"data": base64.b64encode(b"image").decode()}


def test_a_page_that_had_no_frame_twice_is_captured() -> None:
    assert html._captured(Reluctant(2), {}) == b"image"  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [DevToolsError, BrowserEnded])
def test_what_can_never_be_captured_is_told_after_four_attempts(error: type[DevToolsError]) -> None:
    session = Reluctant(99, error)
    with pytest.raises(error, match="Unable to capture"):
        html._captured(session, {})  # type: ignore[arg-type]
    assert session.asked == 4
