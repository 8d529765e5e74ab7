"""``vincicoder serve`` in a process of its own, and a client that is no code of ours."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scored_groups import svg, target

TOKEN = "a-token"
SAMPLE = {"response": svg(9), "target": base64.b64encode(target(3)).decode(), "language": "svg", "id": "7"}


class Client:
    def __init__(self, server: subprocess.Popen[str], port: int) -> None:
        self.server = server
        self.port = port

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = TOKEN, **headers: str
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", **headers}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def score(self, *samples: dict[str, Any]) -> list[dict[str, Any]]:
        status, text = self.ask("POST", "/v1/score", {"requests": list(samples)})
        assert status == 200, text
        results: list[dict[str, Any]] = json.loads(text)["results"]
        return results


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(*arguments: str, token: str | None = TOKEN) -> Client:
    port = free_port()
    command = [sys.executable, "-m", "vincicoder", "serve", "--encoder", "embedded", "--workers", "2"]
    server = subprocess.Popen(
        [*command, "--port", str(port), *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "VINCICODER_TOKEN": token or ""},
        text=True,
    )
    assert server.stdout is not None
    for line in server.stdout:
        if "serving on" in line:
            return Client(server, port)
    raise AssertionError(f"the server ended with {server.wait()}")


@contextmanager
def served(*arguments: str, token: str | None = TOKEN) -> Iterator[Client]:
    """Yield a client of a server that must end well when it is told to stop."""
    client = start(*arguments, token=token)
    try:
        yield client
        with contextlib.suppress(ProcessLookupError):
            client.server.terminate()
        assert client.server.wait(60) == 0
    finally:
        client.server.kill()
