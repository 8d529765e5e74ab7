"""What runs inside a confined child: take a job, draw, hand the picture over, and again if it is kept."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vincicoder.status import Status

from . import confine, wire

if TYPE_CHECKING:
    from PIL import Image

ERRORS = "stderr.txt"
WORK = "work"


def picture_name(job: int) -> str:
    """Returns the file in the child's folder that holds the raw RGB picture of a job."""
    return f"{job}.rgb"


class Failure(Exception):
    """A render that ends without a picture, for the reason that ``status`` names."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Source:
    """Not a picture yet: code that another renderer must draw, such as a plotly figure's page.

    Attributes:
        language: The renderer that can draw it.
        code: What it is to draw.
        width: Width of the page in CSS pixels, where that renderer lays out pages.
        height: Height, likewise.
        scale: Device pixels per CSS pixel.
    """

    language: str
    code: str
    width: int = 0
    height: int = 0
    scale: float = 1.0


@dataclass(frozen=True)
class Box:
    """The private folder of one confined child.

    Attributes:
        folder: The folder; only this child can see it.
        pixels: Largest picture that may come out.
        wall_seconds: Wall time for one job.
    """

    folder: Path
    pixels: int
    wall_seconds: float

    @property
    def work(self) -> Path:
        """The current folder of the code."""
        return self.folder / WORK


class Drawer(Protocol):
    """The confined side of a renderer."""

    def draw(self, code: str, box: Box, options: dict[str, Any]) -> Image.Image | Source:
        """Draws; raises ``Failure`` where the code is at fault."""


def flatten(image: Image.Image) -> Image.Image:
    """Returns the picture as RGB, with anything transparent over white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        from PIL import Image as PIL

        image = image.convert("RGBA")
        white = PIL.new("RGBA", image.size, "white")
        return PIL.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def check_pixels(width: float, height: float, limit: int) -> None:
    """Raises ``Failure`` when a picture of this size may not be made."""
    if width * height > limit:
        raise Failure(Status.TOO_LARGE, f"the picture is {width:.0f}x{height:.0f}, over the limit of {limit} pixels")


def _deliver(drawn: Image.Image | Source, box: Box, job: int) -> wire.Message:
    if isinstance(drawn, Source):
        message = {"status": Status.OK.value, "message": "", "source": drawn.__dict__}
        if len(wire.pack(message)) > wire.CHILD_MAX_BYTES:
            limit = f"{wire.CHILD_MAX_BYTES >> 20} MiB"
            raise Failure(Status.TOO_LARGE, f"the figure's data, as {drawn.language}, are over the limit of {limit}")
        return message
    check_pixels(*drawn.size, box.pixels)
    image = flatten(drawn)
    with open(box.folder / picture_name(job), "wb") as file:
        file.write(image.tobytes())
    return {"status": Status.OK.value, "message": "", "width": image.width, "height": image.height}


def _job(drawer: Drawer, message: wire.Message, box: Box) -> wire.Message:
    try:
        return _deliver(drawer.draw(message["code"], box, message["options"]), box, message["id"])
    except Failure as failure:
        return {"status": failure.status.value, "message": failure.message[:2000]}
    except MemoryError:
        return {"status": Status.OUT_OF_MEMORY.value, "message": "the memory limit was reached"}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the code provoked is its own result
        return {"status": Status.RUNTIME_ERROR.value, "message": f"{type(error).__name__}: {error}"[:2000]}


def serve(sock: socket.socket, drawer: Drawer, box: Box, jobs: int) -> None:
    """Handles up to ``jobs`` jobs, one after the other; runs confined.

    A renderer with a method ``open`` is opened first, at no job's expense: the server's clock starts at the word.
    What goes wrong before it is the machine's fault, what comes after it may be forged.
    """
    if hasattr(drawer, "open"):
        drawer.open(box)
    wire.send(sock, {"opened": True})
    for _ in range(jobs):
        message = wire.receive(sock)
        if message is None:
            return
        wire.send(sock, _job(drawer, message, box))


def enter(
    sock: socket.socket, folder: Path, policy: confine.Policy, limits: wire.Message, jobs: int, confined: bool
) -> Box:
    """Turns a fresh fork into a confined process whose only belongings are its folder and its socket."""
    os.setsid()
    confine.die_with_parent()
    (folder / WORK).mkdir()
    os.chdir(folder / WORK)
    null = os.open(os.devnull, os.O_RDWR)
    errors = os.open(folder / ERRORS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, null), (1, null), (2, errors)):
        os.dup2(source, target)
    os.dup2(sock.detach(), 3)
    os.closerange(4, 4096)
    os.environ.update(HOME=str(folder / WORK), TMPDIR=str(folder / WORK))
    # Files in memory, which a browser's processes share, count as files; what is on disk the server watches as well.
    file_mb = max(limits["output_mb"], limits["memory_mb"]) if policy.shared_memory else limits["output_mb"]
    confine.limit_resources(limits["cpu_seconds"] * jobs, limits["memory_mb"], file_mb, policy.address_space)
    if confined:
        confine.confine(policy, str(folder))
    return Box(folder, limits["pixels"], limits["wall_seconds"])


def main(sock: socket.socket, drawer: Drawer, folder: Path, policy: confine.Policy, config: wire.Message) -> None:
    """Runs in a fresh fork and never returns."""
    try:
        box = enter(sock, folder, policy, config["limits"], config["jobs_per_child"], config["confined"])
        serve(socket.socket(fileno=3), drawer, box, config["jobs_per_child"])
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the last line of a process that has no one to raise to
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(70)
