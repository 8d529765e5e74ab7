"""A renderer for tests in whose processes the clock of the day jumps at every look."""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar

from vincicoder.rendering.renderer import Policy, Result, Workspace


class JumpingRenderer:
    jobs_per_child: ClassVar[int] = 1

    def policy(self) -> Policy:
        return Policy()

    def preload(self) -> dict[str, Any]:
        from PIL import Image  # noqa: F401

        real, looks = time.time, iter(range(10**9))
        time.time = lambda: real() + (-1) ** next(looks) * 100_000  # type: ignore[assignment]
        return {}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Result:
        from PIL import Image

        if code == "wait":
            threading.Event().wait(600)
        return Image.new("RGB", (4, 3))
