"""``vincicoder serve``: a real server in its own process, a real HTTP client, and hostile ones beside it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scored_groups import expected, svg, target

from vincicoder import RewardRequest

pytest.importorskip("fastapi", reason="Ray Serve is not installed")

TOKEN = "a-token"
SAMPLE = {"response": svg(9), "target": base64.b64encode(target(3)).decode(), "language": "svg", "id": "7"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(*arguments: str, port: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "vincicoder",
        "serve",
        "--encoder",
        "embedded",
        "--workers",
        "2",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, env={**os.environ, "VINCICODER_TOKEN": TOKEN}, text=True
    )
    for line in server.stdout:
        if "serving on" in line:
            return server
    raise AssertionError(f"the server ended with {server.wait()}")


class Client:
    def __init__(self, server: subprocess.Popen[str], port: int) -> None:
        self.server = server
        self.port = port

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = TOKEN, **headers: str
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
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


@pytest.fixture(scope="module")
def client():
    port = free_port()
    server = start("--max-body-mb", "1", "--body-seconds", "3", port=port)
    yield Client(server, port)
    server.terminate()
    try:
        assert server.wait(60) == 0
    finally:
        server.kill()


def test_a_batch_gets_the_local_results_in_order(client):
    samples = [SAMPLE, SAMPLE | {"response": "no code", "id": None}, SAMPLE | {"language": "TikZ"}]
    requests = [
        RewardRequest(each["response"], target(3), language=each["language"], id=each["id"]) for each in samples
    ]
    results = client.score(*samples)
    names = ("overall", "visual", "coarse", "fine", "alignment", "execution", "status")
    found = [tuple(result[name] for name in names) for result in results]
    assert found == [each[:7] for each in expected(requests)]
    assert [result["id"] for result in results] == ["7", None, "7"]
    assert results[0]["encoder"] == "embedded"
    assert results[0]["seconds"]["total"] > 0


def test_health_metrics_and_the_api_are_shown(client):
    client.score(SAMPLE)
    status, text = client.ask("GET", "/healthz", token=None)
    assert (status, json.loads(text)["nodes"]) == (200, 1)
    status, text = client.ask("GET", "/metrics")
    assert status == 200
    assert 'vincicoder_requests_total{status="ok"}' in text
    status, text = client.ask("GET", "/openapi.json", token=None)
    schema = json.loads(text)
    assert status == 200
    body = schema["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["requests"]
    assert client.ask("GET", "/docs", token=None)[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{not json", 422, "Invalid JSON"),
        (b"\xff\xfe", 422, ""),
        ({"requests": []}, 422, "at least 1 item"),
        ({"requests": [{"response": "x"}]}, 422, "Field required"),
        ({"requests": [SAMPLE | {"colour": 1}]}, 422, "Extra inputs are not permitted"),
        ({"requests": [SAMPLE | {"target": "/etc/passwd"}]}, 422, "requests[0].target is no picture"),
        ({"requests": [SAMPLE | {"target": "file:///etc/passwd"}]}, 422, "requests[0].target is no picture"),
        ({"requests": [SAMPLE | {"target": "data:image/png;base64,AAAA"}]}, 422, "requests[0].target is no picture"),
        ({"requests": [SAMPLE | {"response": "x" * (1 << 20)}]}, 413, "larger than 1 MiB; send fewer requests"),
    ],
    ids=str,
)
def test_a_bad_request_is_told_what_is_wrong(client, body, status, said):
    found, text = client.ask("POST", "/v1/score", body)
    assert found == status
    assert said in text


@pytest.mark.parametrize("token", [None, "", "another", TOKEN + "x"])
def test_nothing_is_scored_or_counted_without_the_token(client, token):
    for method, path in (("POST", "/v1/score"), ("GET", "/metrics")):
        status, text = client.ask(method, path, {"requests": [SAMPLE]}, token=token)
        assert status == 401
        assert "Authorization: Bearer" in text


def trickle(port: int, token: str, seconds: float) -> bytes:
    """Send a request's body byte by byte, and return what comes back."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 900\r\n\r\n"
        connection.sendall(head.encode())
        connection.settimeout(0.2)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                connection.sendall(b" ")
                return connection.recv(4096)
    return b""


def test_slow_and_endless_senders_are_cut_off_while_honest_ones_go_on(client):
    with ThreadPoolExecutor(24) as pool:
        slow = [pool.submit(trickle, client.port, TOKEN, 20) for _ in range(16)]
        strangers = [pool.submit(trickle, client.port, "stolen", 20) for _ in range(8)]
        time.sleep(0.5)
        started = time.monotonic()
        results = client.score(SAMPLE, SAMPLE)
        assert time.monotonic() - started < 15
        assert all(result["status"] == "ok" for result in results)
        assert all(each.result().startswith(b"HTTP/1.1 408") for each in slow)
        assert all(each.result().startswith(b"HTTP/1.1 401") for each in strangers)


def test_a_body_without_a_length_is_cut_off_where_it_is_too_large(client):
    pieces = (b"x" * 65536 for _ in range(200))
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    try:
        connection.request("POST", "/v1/score", pieces, {"Authorization": f"Bearer {TOKEN}"}, encode_chunked=True)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):  # the server hung up before all was sent
        status = 413
    assert status == 413
    assert client.score(SAMPLE)[0]["status"] == "ok"


def test_an_open_door_needs_a_token():
    command = [sys.executable, "-m", "vincicoder", "serve", "--host", "0.0.0.0"]
    environment = {name: value for name, value in os.environ.items() if name != "VINCICODER_TOKEN"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "can be reached from other machines" in done.stderr
    assert "--token-file" in done.stderr


def test_a_stop_answers_what_is_under_way(client):
    """Comes last, as it stops the server of all tests."""
    client.score(SAMPLE | {"response": "```python\npass\n```", "language": "python"})  # starts what draws Python
    code = "import time, matplotlib.pyplot as plt\ntime.sleep(4)\nplt.plot([1, 2])"
    sleeper = SAMPLE | {"response": f"```python\n{code}\n```", "language": "python"}
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.extend(client.score(sleeper)))
    asking.start()
    time.sleep(1.5)
    client.server.send_signal(signal.SIGTERM)
    asking.join(60)
    assert [answer["status"] for answer in answers] == ["ok"]
    assert client.server.wait(60) == 0
