"""What goes into a renderer and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Limits:
    """What one render may use. Exceeding a limit ends the render with a status; it never raises.

    Attributes:
        cpu_seconds: CPU time, summed over the render's processes. The limit that normally decides, so that a busy
            machine does not turn good answers into time-outs.
        wall_seconds: Wall time, the backstop for code that sleeps.
        memory_mb: Memory in MiB: address space above the idle worker's (Python, SVG, LaTeX), resident memory of
            the browser's processes (HTML).
        output_mb: Bytes in MiB that the render may leave on disk, and the largest single file.
        pixels: Largest picture, in pixels.
        tasks: Processes and threads together. Python and SVG code may start threads but no process.
    """

    cpu_seconds: float = 10.0
    wall_seconds: float = 30.0
    memory_mb: int = 2048
    output_mb: int = 64
    pixels: int = 16_000_000
    tasks: int = 512


@dataclass(frozen=True)
class Render:
    """The outcome of rendering one piece of code.

    Attributes:
        status: ``Status.OK`` exactly when ``image`` is set.
        image: The picture, RGB, or None.
        message: Why there is no picture, in one or a few lines; empty on success.
        seconds: Wall time of the render itself, without the wait for a free worker.
        cpu_seconds: CPU time it used.
    """

    status: Status
    image: Image.Image | None = field(default=None, repr=False)
    message: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there is a picture."""
        return self.status is Status.OK
