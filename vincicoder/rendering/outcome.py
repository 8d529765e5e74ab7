"""From the bytes that a job left to the images of a render."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from vincicoder.rendering.sandbox.result import JobResult
from vincicoder.rendering.types import Render
from vincicoder.status import Status


def render_of(result: JobResult) -> Render:
    """Return what came of a job as a render, its bytes as images."""
    image = None
    if result.size is not None and result.pixels is not None:
        image = Image.frombytes("RGB", result.size, result.pixels)
    elif result.status is Status.OK:
        return Render(Status.RUNTIME_ERROR, message="the renderer asked for a third one")
    return Render(
        result.status,
        image,
        result.message,
        result.seconds,
        result.cpu_seconds,
        result.facts,
        result.note,
        result.embedded_bytes,
        tuple(_prefixes_of(result)),
    )


def _prefixes_of(result: JobResult) -> Iterator[tuple[int, Image.Image]]:
    if not result.prefixes:  # the usual case, which needs no page to draw them on
        return
    shown = Image.new("RGB", result.size or (1, 1), "white")
    for part in result.prefixes:
        left, top, right, bottom = part.box
        if part.pixels:
            shown = shown.copy()
            shown.paste(Image.frombytes("RGB", (right - left, bottom - top), part.pixels), (left, top))
        yield part.end, shown
