"""The sandbox with layers taken away, for tests that show what each layer is for.

As a program: ``weakened.py LAYER[,LAYER...] COMMAND...`` runs a command of ``vincicoder`` so. Nothing of this is in the
package: functions are replaced in this process, in its fork servers, which are started through this file, and in the
services that it starts, through ``weakened_site``.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import socket
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
    from vincicoder.rendering.sandbox import watch

    watch.Watch.verdict = _nothing  # type: ignore[method-assign,assignment]


def _without_namespace() -> None:
    from vincicoder.rendering.sandbox import namespaces

    namespaces.leave_network = lambda: False


def _without_clean_environment() -> None:
    from vincicoder.rendering.sandbox import client

    clean = client.clean_environment
    client.clean_environment = lambda cache: {**os.environ, **clean(cache)}


def _without_fresh_processes() -> None:
    from vincicoder.rendering import python

    python.PythonRenderer.jobs_per_child = 100


def _without_checks_of_results() -> None:
    from vincicoder.rendering.sandbox import result

    def read_anything(path: Path, areas: list[int]) -> list[bytes]:
        return [path.read_bytes()[: areas[0] * 3]]

    result._read_images = read_anything


def _without_origins() -> None:
    from vincicoder.rendering import html

    class SameOrigin(html.RequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.address = "http://always.invalid/"

    html.RequestHandler = SameOrigin  # type: ignore[misc]


def _without_cleaning() -> None:
    from vincicoder.rendering import svg

    class ReadsAnything(svg._DataUrlReader):
        def read(self, url: str, kind: str) -> bytes:
            return Path(url.removeprefix("file://")).read_bytes() if "://" in url else super().read(url, kind)

    svg._remove_external_references = _nothing
    svg._DataUrlReader = ReadsAnything  # type: ignore[misc]


def _without_tex_rules() -> None:
    from vincicoder.rendering import latex

    strict = latex.environment_of_tex
    latex.environment_of_tex = lambda: {**strict(), "openin_any": "a", "openout_any": "a"}


def _without_formats() -> None:
    from PIL import Image

    from vincicoder import images

    Image.init()
    images.image_formats = lambda: tuple(Image.OPEN)  # type: ignore[assignment]


def _without_key() -> None:
    from multiprocessing import AuthenticationError

    from vincicoder.trainers import node_socket

    def believes_everybody(connection: Any, key: bytes) -> bool:
        for step in (node_socket.deliver_challenge, node_socket.answer_challenge):
            with contextlib.suppress(AuthenticationError, OSError, AssertionError):
                step(connection, key)
        return True

    node_socket.proves_itself = believes_everybody


def _without_service_checks() -> None:
    from vincicoder.server import service

    service.Service.authorize = _nothing  # type: ignore[method-assign]


LAYERS: dict[str, Callable[[], None]] = {
    "nothing": _nothing,
    "landlock": _without_landlock,
    **{f"landlock-{abi}": _older_landlock(abi) for abi in range(1, 7)},
    "seccomp": _without_seccomp,
    "capabilities": _without_capabilities,
    "limits": _without_limits,
    "watch": _without_watch,
    "namespace": _without_namespace,
    "environment": _without_clean_environment,
    "fresh": _without_fresh_processes,
    "results": _without_checks_of_results,
    "origins": _without_origins,
    "svg": _without_cleaning,
    "tex": _without_tex_rules,
    "formats": _without_formats,
    "key": _without_key,
    "service": _without_service_checks,
}


def weaken(layers: Sequence[str]) -> None:
    """Take layers away in this process and in the fork servers that it will start."""
    from vincicoder.rendering.sandbox import client

    for layer in layers:
        LAYERS[layer]()
    os.environ["WEAKENED"] = ",".join(layers)
    sys.path.insert(0, str(Path(__file__).with_name("weakened_site")))
    start, launcher = client.ForkServer._start, _launcher(layers)
    client.ForkServer._start = lambda self, interpreter, *more: start(self, launcher(interpreter), *more)  # type: ignore[method-assign]


def _launcher(layers: Sequence[str]) -> Callable[[str], str]:
    """Return what makes a program that is called like an interpreter and starts this file first."""
    directory = tempfile.mkdtemp(prefix="weakened-")
    atexit.register(shutil.rmtree, directory)

    def made(interpreter: str) -> str:
        path = Path(directory) / Path(interpreter).name
        path.write_text(f'#!/bin/sh\nexec "{interpreter}" "{__file__}" {LAUNCHED} {",".join(layers)} "$@"\n')
        path.chmod(0o755)
        return str(path)

    return made


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
    from vincicoder.rendering.sandbox import start

    start.main(map(int, arguments[2].split(",")), json.loads(arguments[3]))


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
