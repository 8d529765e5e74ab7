"""A language that waits for a tenth of a second and uses no CPU, to see what many workers cost beside their renders."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vincicoder.languages import Language
from vincicoder.rendering.renderer import Policy, Workspace

if TYPE_CHECKING:
    from PIL import Image

SECONDS = 0.1


class WaitingRenderer:
    """Wait, and return an empty image."""

    jobs_per_child: ClassVar[int] = 1

    def policy(self) -> Policy:
        """Return a policy that allows files only."""
        return Policy()

    def preload(self) -> dict[str, Any]:
        """Import Pillow."""
        from PIL import Image  # noqa: F401

        return {}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Image.Image:
        """Wait."""
        from PIL import Image

        threading.Event().wait(SECONDS)
        return Image.new("RGB", (8, 8))


LANGUAGE = Language("waiting", renderer=WaitingRenderer, suffixes=(".waiting",), sample="x")
PLUGIN = {
    "name": "waiting",
    "value": "waiting:LANGUAGE",
    "origin": "benchmarks",
    "directory": str(Path(__file__).parent),
}
"""What ``vincicoder.registry.adopt`` takes."""
