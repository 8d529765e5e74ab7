"""DOT, laid out and rendered by the ``dot`` program, in a process of its own that may start no other."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vincicoder.rendering.renderer import Policy, Redirect, RenderError, Workspace, check_pixels
from vincicoder.rendering.sandbox.confine import die_with_parent, forbid_processes
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image


class DotRenderer:
    """Render a graph on white.

    Args:
        dpi: Resolution of the image.
    """

    jobs_per_child: ClassVar[int] = 1

    def __init__(self, dpi: int = 96) -> None:
        self.dpi = dpi

    def policy(self) -> Policy:
        """Return a policy with processes for ``dot`` itself, which is then forbidden to start any."""
        return Policy(processes=True)

    def preload(self) -> dict[str, Any]:
        """Find ``dot``.

        Raises:
            FileNotFoundError: If it is not installed.
        """
        from PIL import Image, PngImagePlugin  # noqa: F401

        program = shutil.which("dot")
        if program is None:
            raise FileNotFoundError("the program dot of Graphviz is not installed")
        said = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stderr
        return {"graphviz": said.strip().rpartition("version ")[2]}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Image.Image | Redirect:
        """Render one graph."""
        from PIL import Image

        Path("graph.gv").write_text(code, "utf-8", errors="replace")
        status = _run(["dot", f"-Gdpi={self.dpi}", "-Tpng", "-o", "graph.png", "graph.gv"])
        said = _said()
        if os.WIFSIGNALED(status):
            if os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGXCPU):
                os.kill(os.getpid(), os.WTERMSIG(status))  # over a limit: end the same way, for the server to see why
            raise RenderError(Status.RUNTIME_ERROR, f"dot ended with signal {os.WTERMSIG(status)}")
        if status != 0:
            raise RenderError(Status.SYNTAX_ERROR, said or "dot failed")
        try:
            image: Image.Image = Image.open(io.BytesIO(Path("graph.png").read_bytes()))
        except OSError as error:
            raise RenderError(Status.NO_OUTPUT, f"dot made no image: {said or error}") from None
        check_pixels(*image.size, workspace.pixels)
        return image


def _run(command: list[str]) -> int:
    program = shutil.which(command[0])
    if program is None:
        raise RenderError(Status.INFRASTRUCTURE, f"{command[0]} is not installed")
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.dup2(os.open("dot.log", os.O_WRONLY | os.O_CREAT), 2)
            os.closerange(3, 1024)
            die_with_parent()
            forbid_processes()
            os.execv(program, command)
        os._exit(127)
    return os.waitpid(pid, 0)[1]


def _said() -> str:
    """Return what dot complained of, without its advice."""
    with contextlib.suppress(OSError):
        lines = Path("dot.log").read_text("utf-8", "replace").splitlines()
        return " ".join(line for line in lines if re.match(r"Error|Warning", line))[:500]
    return ""
