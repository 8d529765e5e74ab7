"""The services that are attacked from outside, each started when it is first needed, in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from typing import Any

_SECONDS = 60

_NODE = """
import sys
from vincicoder.trainers.node import NodeReward
node = NodeReward({"encoder": "embedded", "workers": 1})
node.totals()
print(node._address, flush=True)
sys.stdin.read()
"""


class NotHere(Exception):
    """A service cannot be started on this machine; the message says why."""


class Services:
    """``vincicoder serve`` with a token and without one, and the node's reward process."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        self._ports: dict[bool, int] = {}
        self._node = ""
        self._lock = threading.Lock()
        self.token = secrets.token_urlsafe(16)

    def port(self, with_token: bool) -> int:
        """Return the port of a service on this machine.

        Raises:
            NotHere: It does not start here.
        """
        with self._lock:
            if with_token not in self._ports:
                self._ports[with_token] = self._serve(self.token if with_token else "")
            return self._ports[with_token]

    def ask(
        self, method: str, path: str, body: Any = None, with_token: bool = False, **headers: str
    ) -> tuple[int, str]:
        """Send one request, as JSON unless a header says otherwise, and return status and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(with_token), timeout=_SECONDS)
        given = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with contextlib.closing(connection):
            connection.request(method, path, content, {name: text for name, text in given.items() if text})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")

    def send(self, request: bytes, with_token: bool = False) -> bytes:
        """Send raw bytes and return what comes back, up to its end; a service may hang up before it has all of them."""
        with socket.create_connection(("127.0.0.1", self.port(with_token)), timeout=10) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(OSError):
                while len(answer) < 1 << 20 and (data := connection.recv(65536)):
                    answer += data
            return answer

    def node(self) -> str:
        """Return the abstract address of a node's reward process."""
        with self._lock:
            if not self._node:
                self._node = self._start([sys.executable, "-c", _NODE], {"TORCHELASTIC_RUN_ID": secrets.token_hex(8)})
            return self._node

    def close(self) -> None:
        """End all of them."""
        for process in self._processes:
            process.terminate()
            with contextlib.suppress(OSError):
                process.communicate(timeout=_SECONDS)

    def _serve(self, token: str) -> int:
        if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "prometheus_client")):
            raise NotHere("the extra 'serve' is not installed")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        options = ["--encoder", "embedded", "--workers", "1", "--port", str(port), "--max-body-mb", "1"]
        self._start([sys.executable, "-m", "vincicoder", "serve", *options], {"VINCICODER_TOKEN": token})
        return port

    def _start(self, command: list[str], environment: dict[str, str]) -> str:
        """Start a process and return its first line, which it prints when it is ready."""
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line:
            raise NotHere(f"the service ended with {process.wait()} before it was ready")
        return line
