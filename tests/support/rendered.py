"""What several tests of renders share: what must not leak, and pages rendered by a browser of their own."""

from __future__ import annotations

import contextlib
import os

from PIL import Image

from vincicoder.rendering import Limits, Render, RenderPool
from vincicoder.rendering.config import SandboxConfig
from vincicoder.rendering.html import HtmlRenderer
from vincicoder.rendering.sandbox import processes
from vincicoder.rendering.sandbox.client import ForkServer
from vincicoder.rendering.sandbox.result import JobResult
from vincicoder.status import Status

PLT = "import matplotlib.pyplot as plt\nimport numpy as np\n"
"""How most scripts that draw a chart begin."""

SECRET = os.environ["VINCICODER_TEST_SECRET"]

GREEN = (0, 128, 0)
# Turns the page green when a promise or a callback says so, red is what it starts with.
PAGE = "<!DOCTYPE html><html><body style='margin:0;background:red'>{body}<script>{script}</script></body></html>"
OK = "document.body.style.background = 'green'"


def assert_nothing_leaked(render: Render) -> None:
    assert render.image is None
    assert SECRET not in render.message
    assert "root:" not in render.message
    assert "GOT THROUGH" not in render.message


def workers_of(server: int) -> list[int]:
    """Return the processes below a fork server, without the servers that it has forked, which stay in its session."""
    found = []
    for pid in processes.descendants(server):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) != server:
                found.append(pid)
    return found


def page(script: str, body: str = "") -> str:
    return PAGE.format(script=script, body=body)


def start(limits: Limits | None = None, **options: object) -> ForkServer:
    # Patient: other work on the same machine must not turn a slow start into a time-out.
    limits = limits or Limits(wall_seconds=60)
    jobs = HtmlRenderer.jobs_per_child
    return ForkServer("vincicoder.rendering.html:HtmlRenderer", options, limits, SandboxConfig(), jobs_per_child=jobs)


def image_in(result: JobResult) -> Image.Image:
    assert result.status is Status.OK, result.message
    assert result.size is not None and result.pixels is not None
    return Image.frombytes("RGB", result.size, result.pixels)


def image_of(server: ForkServer, code: str, **options: object) -> Image.Image:
    return image_in(server.run(code, options))


def colour(server: ForkServer, code: str) -> tuple[int, ...]:
    return image_of(server, code).getpixel((1270, 700))  # type: ignore[return-value]


def rendered_python(pool: RenderPool, code: str) -> Image.Image:
    render = pool.render(code, "python")
    assert render.status is Status.OK, render
    assert render.image is not None
    assert render.image.mode == "RGB"
    return render.image
