"""How a fork server comes up: it loads its renderer, greets the client, and forks as many servers as that asked for.

One process can fork about a hundred children a second, so a machine with many cores needs several. They are forked when
the libraries are loaded, and so share their memory. Where a renderer has a method ``preload_plain``, which loads less,
some are forked before the rest is loaded: the fewer libraries a process has loaded, the less a fork of it costs.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import confine, disk, large_pages, namespaces, wire
from .server import Server


def main(fds: Iterable[int], config: wire.Message) -> None:
    """Run a fork server on these sockets, of which the last ``config["plain"]`` get plain servers; never returns."""
    socks = [socket.socket(fileno=fd) for fd in fds]
    sys.path += config["path"]
    os.nice(config["nice"])
    code = 1
    try:
        server = _ready(socks, config)
        if server is not None:
            _serve(server)
            code = 0
    finally:  # also when the client died meanwhile and nobody else would
        disk.remove_tree(Path(config["root"]))
        os._exit(code)


def _serve(server: Server) -> None:
    try:
        server.run()
    finally:
        server.stop()


def _ready(socks: list[socket.socket], config: wire.Message) -> Server | None:
    """Load the renderer, fork and greet the client; None if that failed, which the client has then been told."""
    first = socks[0]
    full, plain = socks[1 : len(socks) - config["plain"]], socks[len(socks) - config["plain"] :]
    try:
        confine.adopt_orphans()
        isolated = config["confined"] and config["namespaces"] and namespaces.leave_network()
        renderer = _renderer(config)
        if plain:
            renderer.preload_plain()
        siblings = _forked(plain, socks, renderer, config)
        details = renderer.preload()
        siblings += _forked(full, socks, renderer, config)
        server = Server(first, renderer, config, siblings)
    except Exception as error:  # noqa: BLE001 - whatever a library raises, the user must hear of it
        wire.send_packet(first, {"ready": False, "error": f"{type(error).__name__}: {error}"[:4000]})
        return None
    for sock in socks[1:]:
        sock.close()
    greeting = {"network_namespace": isolated, "runs_programs": server.runs_programs, "details": details}
    wire.send_packet(first, {"ready": True, **greeting})
    return server


def _forked(mine: list[socket.socket], socks: list[socket.socket], renderer: Any, config: wire.Message) -> list[int]:
    """Fork a server for each of these sockets, and return their process ids."""
    gc.collect()
    gc.freeze()  # keeps forked children from touching, and so copying, every page of the loaded libraries
    large_pages.collapse()
    siblings = []
    for sock in mine:
        pid = os.fork()
        if pid == 0:
            _run_sibling(sock, socks, renderer, config)
        siblings.append(pid)
    return siblings


def _run_sibling(sock: socket.socket, socks: list[socket.socket], renderer: Any, config: wire.Message) -> None:
    """Serve in a fork of the process that has loaded the libraries, and end with it; never returns."""
    try:
        confine.die_with_parent()
        confine.adopt_orphans()
        for other in socks:
            if other is not sock:
                other.close()
        _serve(Server(sock, renderer, config))
    finally:
        os._exit(0)


def _renderer(config: wire.Message) -> Any:
    module, _, attribute = config["renderer"].partition(":")
    return getattr(importlib.import_module(module), attribute)(**config["options"])
