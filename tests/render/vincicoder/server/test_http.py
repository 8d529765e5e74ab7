"""``vincicoder serve``: a real server in its own process, a real HTTP client, and hostile ones beside it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
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

import numpy as np
import pytest
from PIL import Image
from scored_groups import expected, groups, plain, svg, target
from served import SAMPLE, TOKEN, free_port, served

from vincicoder import RenderPool, RewardRequest
from vincicoder.errors import ConfigError, ScoringUnavailable
from vincicoder.options import from_flat, schema, to_flat
from vincicoder.reward.config import RewardConfig
from vincicoder.server.client import HttpReward

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra 'serve' is not installed")

SERVE = [sys.executable, "-m", "vincicoder", "serve"]
NAMES = ("overall", "visual", "coarse", "fine", "alignment", "execution", "status")


@pytest.fixture(scope="module")
def client():
    with served("--max-body-mb", "1", "--body-seconds", "3", "--keep-renders", "all") as client:
        yield client


def test_a_batch_gets_the_local_results_in_order(client):
    samples = [SAMPLE, SAMPLE | {"response": "no code", "id": None}, SAMPLE | {"language": "TikZ"}]
    requests = [
        RewardRequest(each["response"], target(3), language=each["language"], id=each["id"]) for each in samples
    ]
    results = client.score(*samples)
    found = [tuple(result[name] for name in NAMES) for result in results]
    assert found == [each[:7] for each in expected(requests)]
    assert [result["id"] for result in results] == ["7", None, "7"]
    assert results[0]["encoder"] == "embedded"
    assert results[0]["seconds"]["total"] > 0


def image_of(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")


def test_renders_come_back_to_the_pixel(client):
    [scored, failed] = client.score(SAMPLE, SAMPLE | {"response": "no code"})
    code = svg(9).removeprefix("```svg\n").removesuffix("\n```")
    status, text = client.ask("POST", "/v1/render", {"code": code, "language": "SVG"})
    rendered = json.loads(text)
    assert (status, rendered["status"], rendered["width"], rendered["height"]) == (200, "ok", 512, 512)
    with RenderPool(1) as pool:
        local = pool.render(code, "svg").image
    assert image_of(scored["render"]).tobytes() == image_of(rendered["image"]).tobytes() == local.tobytes()
    assert failed["render"] is None


def test_the_client_is_a_scorer_that_gives_the_local_results(client, tmp_path):
    path = tmp_path / "target.png"
    path.write_bytes(target(3))
    work = [
        *(each for group in groups(5) for each in group),
        RewardRequest(svg(9), str(path), prompt="Draw it as SVG.", metadata={"uid": "a", "size": np.int64(3)}),
        RewardRequest(svg(9), Image.open(path), language="svg", reference="<svg/>"),
        RewardRequest(svg(9), "missing.png", language="svg"),
        RewardRequest(svg(9), str(path), language="cobol"),
        RewardRequest(svg(9), target(3)[:60], language="svg"),
    ]
    reward = HttpReward(f"http://127.0.0.1:{client.port}/", TOKEN)
    results = dict(reward.stream(work))
    unread = results.pop(work.index(next(each for each in work if each.target == "missing.png")))
    assert (unread.status, unread.overall) == ("bad_target", 0)
    assert "missing.png" in unread.message
    local = {index: each for index, each in enumerate(expected(work)) if index in results}
    assert {index: plain(result)[:7] for index, result in results.items()} == {i: each[:7] for i, each in local.items()}
    found = {index: (result.grid, result.code, result.id) for index, result in results.items()}
    assert found == {index: each[8:11] for index, each in local.items()}
    assert results[0].image().size == (512, 512)
    code = svg(9).removeprefix("```svg\n").removesuffix("\n```")
    assert reward.render(code, "svg").image.size == (512, 512)
    assert reward.render("<svg <", "svg").status == "syntax_error"


def test_the_client_says_what_a_server_refuses_or_that_there_is_none(client):
    with pytest.raises(ConfigError, match=r"refuses the call: 401 .*Authorization: Bearer"):
        dict(HttpReward(f"http://127.0.0.1:{client.port}").stream([RewardRequest(svg(9), target(3))]))
    with pytest.raises(ConfigError, match=r"refuses the call: 422 .*cobol"):
        HttpReward(f"http://127.0.0.1:{client.port}", TOKEN).render("x", "cobol")
    with pytest.raises(ScoringUnavailable, match=r"does not answer: .*refused.*Is `vincicoder serve` running"):
        HttpReward(f"http://127.0.0.1:{free_port()}").render("x", "svg")
    with pytest.raises(ConfigError, match="url is 'reward:8700'"):
        HttpReward("reward:8700")


def test_what_is_left_of_a_caller_who_hangs_up_is_not_scored():
    slow = "```python\nimport time\ntime.sleep(0.5)\nprint({})\n```"
    samples = [SAMPLE | {"response": slow.format(number), "language": "python"} for number in range(40)]

    def scored(client) -> float:
        status, text = client.ask("GET", "/metrics")
        assert status == 200
        return sum(float(line.split()[-1]) for line in text.splitlines() if "vincicoder_requests_total{" in line)

    with served() as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/v1/score", json.dumps({"requests": samples}), headers)
        while scored(client) == 0:
            time.sleep(0.1)
        connection.close()
        before, after = -1.0, scored(client)
        while before < after:
            time.sleep(2)
            before, after = after, scored(client)
        assert 0 < after < len(samples)
        assert client.score(SAMPLE)[0]["status"] == "ok"


def test_code_that_gives_no_image_has_a_status_and_an_unknown_language_is_an_error(client):
    status, text = client.ask("POST", "/v1/render", {"code": "<svg <", "language": "svg"})
    rendered = json.loads(text)
    assert (status, rendered["status"], rendered["image"], rendered["width"]) == (200, "syntax_error", None, None)
    assert rendered["message"]
    status, text = client.ask("POST", "/v1/render", {"code": "x", "language": "cobol"})
    assert status == 422
    assert "cobol" in text


def test_health_metrics_and_the_api_are_shown(client):
    client.score(SAMPLE)
    status, text = client.ask("GET", "/healthz", token=None)
    assert (status, json.loads(text)["nodes"]) == (200, 1)
    status, text = client.ask("GET", "/metrics")
    assert status == 200
    for name in (
        'vincicoder_requests_total{status="ok"}',
        "vincicoder_targets_embedded_total",
        "vincicoder_targets_reused_total",
        "vincicoder_tiles_encoded_total",
    ):
        [value] = [line.split()[-1] for line in text.splitlines() if line.startswith(name)]
        assert float(value) > 0
    assert "vincicoder_nodes 1.0" in text.splitlines()
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
        (b'{"requests": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422, "recursion limit"),
        ({"requests": [SAMPLE | {"metadata": {"uid": {"a": 1}}, "reference": 3}]}, 422, "valid string"),
        ({"requests": []}, 422, "at least 1 item"),
        ({"requests": [{"response": "x"}]}, 422, "Field required"),
        ({"requests": [SAMPLE | {"colour": 1}]}, 422, "Extra inputs are not permitted"),
        ({"requests": [SAMPLE | {"target": "/etc/passwd"}]}, 422, "requests[0].target is no image"),
        ({"requests": [SAMPLE | {"target": "file:///etc/passwd"}]}, 422, "requests[0].target is no image"),
        ({"requests": [SAMPLE | {"target": "data:image/png;base64,AAAA"}]}, 422, "requests[0].target is no image"),
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
    for method, path in (("POST", "/v1/score"), ("POST", "/v1/render"), ("GET", "/metrics")):
        status, text = client.ask(method, path, {"requests": [SAMPLE]}, token=token)
        assert status == 401
        assert "Authorization: Bearer" in text


def trickle(port: int, token: str, seconds: float) -> bytes:
    """Send a request's body byte by byte, and return what comes back."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 900\r\n"
        head += "Content-Type: application/json\r\n\r\n"
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
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/score", pieces, headers, encode_chunked=True)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):  # the server hung up before all was sent
        status = 413
    assert status == 413
    assert client.score(SAMPLE)[0]["status"] == "ok"


def test_the_options_in_force_are_shown_with_what_each_expects(client):
    status, text = client.ask("GET", "/v1/options")
    shown = json.loads(text)
    assert status == 200
    assert shown["options"] == to_flat(
        from_flat(RewardConfig, {"encoder": "embedded", "workers": 2, "keep_renders": "all"})
    )
    assert shown["schema"] == schema(RewardConfig)
    assert client.ask("GET", "/v1/options", token="another")[0] == 401


def test_flags_of_the_sandbox_reach_the_reward():
    with served("--allow-unsandboxed", "--no-namespaces", "--nice", "7") as client:
        options = json.loads(client.ask("GET", "/v1/options")[1])["options"]
        assert (options["allow_unsandboxed"], options["namespaces"], options["nice"]) == (True, False, 7)
        assert client.score(SAMPLE)[0]["status"] == "ok"


def test_replicas_on_one_machine_share_one_reward():
    with served("--replicas", "2", "--keep-renders", "all") as client:
        results = [client.score(SAMPLE)[0] for _ in range(12)]
        [local] = expected([RewardRequest(SAMPLE["response"], target(3), language="svg")])
        assert {tuple(result[name] for name in NAMES) for result in results} == {local[:7]}
        assert all(result["render"] for result in results)
        assert 'vincicoder_requests_total{status="ok"} 12.0' in client.ask("GET", "/metrics")[1], "all count together"
        status, text = client.ask("POST", "/v1/render", {"code": "<svg <", "language": "svg"})
        assert (status, json.loads(text)["status"]) == (200, "syntax_error")
        assert json.loads(client.ask("GET", "/v1/options")[1])["options"]["encoder"] == "embedded"


def test_flags_that_need_ray_say_so_and_a_taken_port_is_named():
    for arguments, said in (
        (["--encoders", "2"], "--encoders: needs --ray"),
        (["--encoder", "./no-such-directory"], "./no-such-directory"),
    ):
        done = subprocess.run([*SERVE, *arguments], capture_output=True, text=True)
        assert done.returncode in (1, 2)
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([*SERVE, "--encoder", "embedded", "--port", port], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"cannot listen on --host 127.0.0.1 --port {port}" in done.stderr


def test_an_open_door_needs_a_token():
    command = [*SERVE, "--host", "0.0.0.0"]
    environment = {name: value for name, value in os.environ.items() if name != "VINCICODER_TOKEN"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "can be reached from other machines" in done.stderr
    assert "--token-file" in done.stderr


def test_a_stop_answers_what_is_under_way(client):
    """Comes last, as it stops the server of all tests."""
    client.score(SAMPLE | {"response": "```python\npass\n```", "language": "python"})  # starts what renders Python
    code = "import threading, matplotlib.pyplot as plt\nthreading.Event().wait(4)\nplt.plot([1, 2])"
    sleeper = SAMPLE | {"response": f"```python\n{code}\n```", "language": "python"}
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.extend(client.score(sleeper)))
    asking.start()
    time.sleep(1.5)
    client.server.send_signal(signal.SIGTERM)
    asking.join(60)
    assert [answer["status"] for answer in answers] == ["ok"]
    assert client.server.wait(60) == 0
