"""What goes into a renderer and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Render:
    """The outcome of rendering one piece of code.

    Attributes:
        status: ``Status.OK`` exactly when ``image`` is set.
        image: The image, RGB, or None.
        message: Why there is no image, in one or a few lines; empty on success.
        seconds: Wall time of the render itself, without the wait for a free worker.
        cpu_seconds: CPU time it used.
        facts: What the renderer knows of the image beyond its pixels, or None.
    """

    status: Status
    image: Image.Image | None = field(default=None, repr=False)
    message: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    facts: Any = None

    @property
    def ok(self) -> bool:
        """Whether there is an image."""
        return self.status is Status.OK
