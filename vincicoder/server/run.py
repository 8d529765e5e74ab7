"""Listening: one process or several, until a signal says that it is enough."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from typing import Any

import uvicorn

from vincicoder.errors import ConfigError
from vincicoder.registry import environment
from vincicoder.server.app import Served, application
from vincicoder.server.config import ServerConfig
from vincicoder.server.scorers import Opener, joining, opener

_SHUTDOWN_SECONDS = 600  # for what is under way
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(options: Mapping[str, Any], config: ServerConfig, token: str | None) -> None:
    """Serve until SIGINT or SIGTERM, then answer what is under way and stop.

    Args:
        options: Options of ``VisualReward``, with Ray of ``Placement`` too.
        config: How to listen, and where to score.
        token: What callers must send as ``Authorization: Bearer TOKEN``; None lets everybody in.

    Raises:
        ConfigError: An option cannot work, or the port is taken.
        MachineFault: The scorer cannot work here, such as an encoder that cannot be loaded.
    """
    first = opener(options, config)
    with _listener(config.host, config.port) as listener, first() as served:
        served.totals()  # fails here, and not at the first request, if it cannot score
        where = f"http://{f'[{config.host}]' if ':' in config.host else config.host}:{config.port}"
        announcement = f"vincicoder: serving on {where}, API on {where}/docs"
        if config.replicas == 1:
            _Server(served, config, token, announcement).run([listener])
        else:
            _Replicas(joining(first), config, token, listener).run(announcement)


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigError(f"cannot listen on --host {host} --port {port}: {error.strerror}") from error


class _Server(uvicorn.Server):
    """Run the application in this process, and say when it listens and when it stops."""

    def __init__(self, served: Served, config: ServerConfig, token: str | None, announcement: str = "") -> None:
        app = application(served, config, token)
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        self._announcement = announcement

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        for number in _SIGNALS:  # uvicorn stops at the signal, and raises it again when it has stopped
            signal.signal(number, lambda *_: None)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._announcement:
            print(self._announcement, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._announcement:
            print("vincicoder: answering what is under way, then stopping", flush=True)
        await super().shutdown(sockets)


class _Replicas:
    """Processes that take requests from one socket, each with its own way to the shared scorer."""

    def __init__(self, open_scorer: Opener, config: ServerConfig, token: str | None, listener: socket.socket) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._arguments = (open_scorer, config, token, listener)
        self._count = config.replicas

    def run(self, announcement: str) -> None:
        """Keep them running until a signal, then let them finish."""
        stop = threading.Event()
        for number in _SIGNALS:
            signal.signal(number, lambda *_: stop.set())
        os.environ.update(environment())
        replicas = [self._start() for _ in range(self._count)]
        print(announcement, flush=True)
        while not stop.wait(1.0):
            replicas = [each if each.is_alive() else self._start() for each in replicas]
        print("vincicoder: answering what is under way, then stopping", flush=True)
        for replica in replicas:
            replica.terminate()
        for replica in replicas:
            replica.join()

    def _start(self) -> BaseProcess:
        replica = self._context.Process(target=_replica, args=self._arguments, daemon=True)
        replica.start()
        return replica


def _replica(open_scorer: Opener, config: ServerConfig, token: str | None, listener: socket.socket) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
    with open_scorer() as served:
        _Server(served, config, token).run([listener])
