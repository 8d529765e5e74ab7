"""The service's door: ``vincicoder serve`` in a process of its own, asked over HTTP."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from golden_images import RESPONSES, blocks

_TOKEN = "a-token"
_START_SECONDS = 240


def serve() -> dict[str, Any]:
    """Collect what the service answers, and how it ends."""
    port = _free_port()
    command = [sys.executable, "-m", "vincicoder", "serve", "--encoder", "embedded", "--workers", "1"]
    environment = {**os.environ, "VINCICODER_TOKEN": _TOKEN}
    server = subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(server, port)
        answers = _answers(port)
        server.terminate()
        return {**answers, "exit": server.wait(60)}
    finally:
        server.kill()
        server.wait()


def _answers(port: int) -> dict[str, Any]:
    buffer = io.BytesIO()
    blocks().save(buffer, "PNG")
    sample = {"target": base64.b64encode(buffer.getvalue()).decode(), "language": "svg"}
    samples = [sample | {"response": response, "id": name} for name, response in RESPONSES.items()]
    _, text = _ask(port, "/v1/score", {"requests": samples})
    results = json.loads(text)["results"]
    values = ("overall", "visual", "coarse", "fine", "alignment", "execution", "status", "language", "encoder")
    _, health = _ask(port, "/healthz", token=None)
    _, metrics = _ask(port, "/metrics")
    _, api = _ask(port, "/openapi.json", token=None)
    return {
        "score": list(json.loads(text)),
        "result": sorted(set.intersection(*(set(each) for each in results))),
        "results": {each["id"]: {name: each[name] for name in values} for each in results},
        "health": list(json.loads(health)),
        "metrics": sorted(set(re.findall(r"^(vincicoder_\w+)", metrics, re.MULTILINE))),
        "paths": sorted(json.loads(api)["paths"]),
        "codes": {
            "no token": _ask(port, "/v1/score", {"requests": samples[:1]}, token=None)[0],
            "no requests": _ask(port, "/v1/score", {"requests": []})[0],
            "unknown field": _ask(port, "/v1/score", {"requests": [samples[0] | {"colour": 1}]})[0],
            "a path": _ask(port, "/v1/score", {"requests": [samples[0] | {"target": "/etc/passwd"}]})[0],
        },
    }


def _ask(port: int, path: str, body: Any = None, token: str | None = _TOKEN) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            if _ask(port, "/healthz", token=None)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"the server did not answer within {_START_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
