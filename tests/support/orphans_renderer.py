"""A renderer for tests whose code may start processes, and does what it can to lose them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

from vincicoder.rendering.facts import Facts, Span
from vincicoder.rendering.renderer import Policy, Rendered, Workspace
from vincicoder.rendering.sandbox import processes


def orphan(work: Callable[[], object]) -> int:
    """Do work in a process without a parent, in a session of its own; return its id."""
    reader, writer = os.pipe()
    first = os.fork()
    if first == 0:
        os.setsid()
        second = os.fork()
        if second:
            os.write(writer, str(second).encode())
        else:
            os.setsid()
            work()
        os._exit(0)
    os.waitpid(first, 0)
    return int(os.read(reader, 20))


class OrphansRenderer:
    """Run Python with a function ``orphan``; the image's facts are the ids that it put into ``pids``.

    Args:
        lists_children: Whether the server may believe that the kernel lists a process's children.
        sees_others: Whether the server can list the processes of the machine.
    """

    jobs_per_child: ClassVar[int] = 1

    def __init__(self, lists_children: bool = True, sees_others: bool = True) -> None:
        self.lists_children = lists_children
        self.sees_others = sees_others

    def policy(self) -> Policy:
        return Policy(processes=True)

    def preload(self) -> dict[str, Any]:
        from PIL import Image  # noqa: F401

        processes.Tree.__init__.__defaults__ = (self.lists_children,)
        if not self.sees_others:
            listed = os.listdir

            def listdir(path: str) -> list[str]:
                if path == "/proc":
                    raise PermissionError("this server looks at others")
                return listed(path)

            os.listdir = listdir  # type: ignore[assignment]
        return {}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Rendered:
        from PIL import Image

        pids: list[int] = []
        exec(code, {"orphan": orphan, "pids": pids})
        return Rendered(Image.new("RGB", (4, 3)), Facts(tuple(Span(str(pid), (0, 0, 1, 1)) for pid in pids)))
