"""What runs inside a confined child: receive a job, render, hand the result over; again if the child is kept."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vincicoder.rendering.facts import MAX_BYTES, Facts
from vincicoder.rendering.renderer import (
    Policy,
    Prefix,
    Prepared,
    Redirect,
    Rendered,
    Renderer,
    RenderError,
    Result,
    Workspace,
    check_pixels,
)
from vincicoder.status import Status

from . import confine, disk, processes, wire
from .watch import PATIENCE

if TYPE_CHECKING:
    from PIL import Image

ERRORS = "stderr.txt"

KILLED = 71
"""Exit code of a child whose program was killed from outside; only a renderer that runs programs is believed."""


def image_name(job: int) -> str:
    """Return the file in the child's directory with what came of a job: its raw RGB image and parts of its prefixes."""
    return f"{job}.rgb"


def _rgb(image: Image.Image) -> bytes:
    """Return the image's red, green and blue, row by row, with anything transparent over white."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.tobytes("raw", "RGB")  # most charts, which need no copy of their canvas
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        from PIL import Image as PIL

        image = image.convert("RGBA")
        image = PIL.alpha_composite(PIL.new("RGBA", image.size, "white"), image)
    return image.convert("RGB").tobytes() if image.mode != "RGB" else image.tobytes()


def _deliver(result: Result | Prepared, workspace: Workspace, job: int) -> wire.Message:
    if isinstance(result, Redirect):
        message = {"status": Status.OK.value, "message": "", "redirect": vars(result)}
        if len(wire.pack(message)) > wire.CHILD_MAX_BYTES:
            limit = f"the limit of {wire.CHILD_MAX_BYTES >> 20} MiB"
            raise RenderError(Status.TOO_LARGE, f"the figure's data, as {result.language}, are over {limit}")
        return message
    if isinstance(result, Prepared):
        result.path.replace(workspace.directory / image_name(job))
        return {"status": Status.OK.value, "message": ""}
    image = result.image if isinstance(result, Rendered) else result
    check_pixels(*image.size, workspace.pixels)
    prefixes = result.prefixes if isinstance(result, Rendered) else ()
    with open(workspace.directory / image_name(job), "wb") as file:
        file.write(_rgb(image))
        for part in [prefix.part for prefix in prefixes if prefix.part is not None]:
            file.write(part.tobytes())
    known = _known(result) if isinstance(result, Rendered) else {}
    known |= {"prefixes": " ".join(map(_place, prefixes))} if prefixes else {}
    return {"status": Status.OK.value, "message": "", "width": image.width, "height": image.height, **known}


def _place(prefix: Prefix) -> str:
    """Return where a prefix ends and where its part lies, in five numbers."""
    width, height = prefix.part.size if prefix.part is not None else (0, 0)
    return f"{prefix.end} {prefix.left} {prefix.top} {prefix.left + width} {prefix.top + height}"


def _known(rendered: Rendered) -> wire.Message:
    """Return what the renderer knows of its image, for the client to check."""
    facts = {} if rendered.facts is None else {"facts": _text_of(rendered.facts)}
    return {"embedded_bytes": rendered.embedded_bytes, **facts}


def _text_of(facts: Facts) -> str:
    """Return facts as text. Whatever is wrong with them, the image stands."""
    try:
        return facts.to_json()[: MAX_BYTES + 1]  # the client refuses what is longer, so no more need travel
    except (TypeError, ValueError, RecursionError):
        return ""


def _run(renderer: Renderer, message: wire.Message, workspace: Workspace) -> wire.Message:
    try:
        workspace = replace(workspace, facts=message["facts"], prefixes=message["prefixes"])
        result = renderer.render(message["code"], workspace, message["options"])
        return _deliver(result, workspace, message["id"])
    except RenderError as error:
        return {"status": error.status.value, "message": error.message[:2000]}
    except MemoryError:
        return {"status": Status.OUT_OF_MEMORY.value, "message": "the memory limit was reached"}
    except OSError as error:  # in our own files: what the code itself meets, its renderer has made a RenderError of
        return {"status": _status_of(error).value, "message": f"{type(error).__name__}: {error}"[:2000]}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the code provoked is its own result
        return {"status": Status.RUNTIME_ERROR.value, "message": f"{type(error).__name__}: {error}"[:2000]}


def _status_of(error: OSError) -> Status:
    if error.errno == errno.EFBIG:
        return Status.TOO_LARGE
    return Status.INFRASTRUCTURE if error.errno in disk.BY_THE_MACHINE else Status.RUNTIME_ERROR


def serve(sock: socket.socket, renderer: Renderer, workspace: Workspace, jobs: int) -> None:
    """Handle up to ``jobs`` jobs, one after the other; runs confined.

    A renderer with a method ``open`` is opened first, at no job's expense: the server's clock starts when it hears of
    that. What goes wrong before is the machine's fault; what comes after may be forged. Each job arrives as a socket of
    its own, on which its code and its result travel past the server.
    """
    if hasattr(renderer, "open"):
        renderer.open(workspace)
    sock.send(wire.opened(time.process_time(), processes.waited_seconds(os.getpid())))
    for _ in range(jobs):
        _, fds, _, _ = socket.recv_fds(sock, 1, 1)
        if not fds:
            return
        with socket.socket(fileno=fds[0]) as job:
            message = wire.receive(job)
            answer = _run(renderer, message, workspace) if message is not None else {"status": ""}
            with contextlib.suppress(OSError):  # whoever asked is gone
                wire.send(job, answer)
        sock.send(wire.DONE if answer["status"] == Status.OK.value else wire.FAILED)


def enter(
    sock: socket.socket, directory: Path, policy: Policy, limits: wire.Message, jobs: int, confined: bool
) -> Workspace:
    """Turn a fresh fork into a confined process that has nothing but its directory and its socket."""
    workspace = Workspace(directory, limits["pixels"], PATIENCE * limits["wall_seconds"])
    os.setsid()
    confine.die_with_parent()
    if policy.processes or not confined:
        confine.adopt_orphans()  # so that nothing gets out of the server's sight by a second fork
    workspace.cwd.mkdir()
    os.chdir(workspace.cwd)
    null = os.open(os.devnull, os.O_RDWR)
    errors = os.open(directory / ERRORS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, null), (1, null), (2, errors)):
        os.dup2(source, target)
    os.dup2(sock.detach(), 3)
    os.closerange(4, 4096)
    os.environ.update(dict.fromkeys(("HOME", "TMPDIR"), str(workspace.cwd)))
    # Files in memory, which a browser's processes share, count as files; what is on disk the server watches as well.
    file_mb = max(limits["output_mb"], limits["memory_mb"]) if policy.shared_memory else limits["output_mb"]
    confine.limit_resources(limits["cpu_seconds"] * jobs, limits["memory_mb"], file_mb, policy.address_space)
    if confined:
        confine.confine(policy, str(directory))
    return workspace


def main(sock: socket.socket, renderer: Renderer, directory: Path, policy: Policy, config: wire.Message) -> None:
    """Run in a fresh fork; never returns."""
    try:
        workspace = enter(sock, directory, policy, config["limits"], config["jobs_per_child"], config["confined"])
        serve(socket.socket(fileno=3), renderer, workspace, config["jobs_per_child"])
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the last line of a process that has no one to raise to
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(70)
