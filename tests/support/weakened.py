"""The sandbox with layers taken away, for tests that show what each layer is for.

As a program: ``weakened.py LAYER[,LAYER...] COMMAND...`` runs a command of ``vincicoder`` so, or one of Python's modules.
Nothing of this is in the package: it works by replacing functions in a process, and in the fork servers that this
process starts, which it does by starting them through this file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LAUNCHED = "--fork-server"


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _without_landlock() -> None:
    from vincicoder.rendering.sandbox import landlock

    landlock.restrict = _nothing  # type: ignore[assignment]


def _older_landlock(abi: int) -> Callable[[], None]:
    def remove() -> None:
        from vincicoder.rendering.sandbox import landlock

        landlock.version = lambda: abi

    return remove


def _without_seccomp() -> None:
    from vincicoder.rendering.sandbox import seccomp

    seccomp.install = _nothing


def _without_capabilities() -> None:
    from vincicoder.rendering.sandbox import confine

    confine.drop_capabilities = _nothing


def _without_limits() -> None:
    from vincicoder.rendering.sandbox import confine

    confine.limit_resources = _nothing


def _without_watch() -> None:
    from vincicoder.rendering.sandbox import server

    server.Server._excess = _nothing  # type: ignore[method-assign,assignment]


def _without_namespace() -> None:
    from vincicoder.rendering.sandbox import namespaces

    namespaces.leave_network = lambda: False


def _without_fresh_processes() -> None:
    from vincicoder.rendering import python

    python.PythonRenderer.jobs_per_child = 100


def _without_checks_of_results() -> None:
    from vincicoder.rendering.sandbox import result

    def read_anything(path: Path, size: tuple[int, int]) -> bytes:
        return path.read_bytes()[: size[0] * size[1] * 3]

    result._read_image = read_anything


def _without_origins() -> None:
    from vincicoder.rendering import html

    class SameOrigin(html._RequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.address = "http://always.invalid/"

    html._RequestHandler = SameOrigin  # type: ignore[misc]


LAYERS: dict[str, Callable[[], None]] = {
    "landlock": _without_landlock,
    **{f"landlock-after-{abi}": _older_landlock(abi) for abi in range(1, 7)},
    "seccomp": _without_seccomp,
    "capabilities": _without_capabilities,
    "limits": _without_limits,
    "watch": _without_watch,
    "namespace": _without_namespace,
    "fresh": _without_fresh_processes,
    "results": _without_checks_of_results,
    "origins": _without_origins,
}


def weaken(layers: Sequence[str]) -> None:
    """Take layers away in this process and in the fork servers that it will start."""
    from vincicoder.rendering.sandbox import client

    for layer in layers:
        LAYERS[layer]()
    start = client.ForkServer._start

    def start_weakened(self: Any, interpreter: str, theirs: Any, config: dict[str, Any]) -> Any:
        with tempfile.TemporaryDirectory(prefix="weakened-") as directory:
            launcher = Path(directory) / "python"
            command = f'exec "{interpreter}" "{__file__}" {LAUNCHED} {",".join(layers)} "$@"'
            launcher.write_text(f"#!/bin/sh\n{command}\n")
            launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
            process = start(self, str(launcher), theirs, config)
            _until_started(process.pid, str(launcher))
            return process

    client.ForkServer._start = start_weakened  # type: ignore[method-assign]


def _until_started(pid: int, launcher: str) -> None:
    """Wait until a shell has read its script, which is then removed."""
    while Path(f"/proc/{pid}/exe").exists() and launcher.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
        os.sched_yield()


def _fork_server(layers: str, arguments: list[str]) -> None:
    """Do what ``sandbox/__main__.py`` does, with layers taken away first."""
    package = arguments[1]  # after -s
    main = Path(package) / "__main__.py"
    source = main.read_text().replace("\n_main()\n", "\n")
    scope: dict[str, Any] = {"__name__": "weakened_main", "__file__": str(main)}
    exec(compile(source, str(main), "exec"), scope)
    scope["_register"]("vincicoder", Path(package).parents[1])
    for layer in layers.split(","):
        LAYERS[layer]()
    from vincicoder.rendering.sandbox import server

    server.main(int(arguments[2]), json.loads(arguments[3]))


def _raise_loopback() -> None:
    """Let the machine reach itself, which a new network namespace cannot do yet."""
    request = struct.pack("16sh", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, request)  # SIOCSIFFLAGS


def _main() -> None:
    if sys.argv[1] == LAUNCHED:
        _fork_server(sys.argv[2], sys.argv[3:])
    _raise_loopback()
    weaken(sys.argv[1].split(","))
    from vincicoder.cli import main

    raise SystemExit(main(sys.argv[2:]))


if __name__ == "__main__":
    _main()
