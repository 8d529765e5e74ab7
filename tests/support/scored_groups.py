"""Requests in groups, as GRPO has them, whose results are known."""

from __future__ import annotations

import atexit
import functools
import io
import time
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw

from vincicoder import RewardRequest, VisualReward

OPTIONS = {"encoder": "embedded", "workers": 2, "patience_seconds": 30}


def svg(radius: int, fill: str = "red") -> str:
    shape = f'<rect width="64" height="64" fill="white"/><circle cx="30" cy="30" r="{radius}" fill="{fill}"/>'
    return f'```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">{shape}</svg>\n```'


def target(group: int) -> bytes:
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).ellipse((4 + group % 13, 10, 40 + group % 17, 50), (group * 7 % 256, 40, 90))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def groups(count: int, size: int = 8) -> list[list[RewardRequest]]:
    """Requests as GRPO has them: ``size`` responses to each of ``count`` targets, some of them bad."""
    made = []
    for group in range(count):
        responses = [svg(5 + (group + n) % 25) for n in range(size - 2)]
        responses += ["no code", "```svg\n<svg <\n```"]
        made.append([RewardRequest(each, target(group), language="svg", id=f"{group}") for each in responses])
    return made


def plain(result: Any) -> tuple[Any, ...]:
    """Return what must be the same wherever a request was scored."""
    return (
        *(result.overall, result.visual, result.coarse, result.fine, result.alignment, result.execution),
        *(result.status.value, result.tiles, result.grid, result.code, result.id, result.encoder),
    )


@functools.cache
def local() -> VisualReward:
    """Return the reward in this process that others are compared with, started once for all tests."""
    reward = VisualReward("embedded", workers=2)
    atexit.register(reward.close)
    return reward


def expected(requests: list[RewardRequest]) -> list[tuple[Any, ...]]:
    return [plain(result) for result in local().score(requests)]


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
