"""One reward for all processes of a job on a node: real processes, real sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from repository import ROOT

from vincicoder import RewardRequest, VisualReward
from vincicoder.errors import ConfigError
from vincicoder.trainers.node import NodeReward

OPTIONS = {"encoder": "embedded", "workers": 1}


def svg(fill: str) -> str:
    shape = f'<circle cx="30" cy="30" r="20" fill="{fill}"/>'
    return f'```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">{shape}</svg>\n```'


@pytest.fixture
def requests(tmp_path: Path) -> list[RewardRequest]:
    from PIL import Image

    Image.new("RGB", (64, 64), "red").save(tmp_path / "target.png")
    target = str(tmp_path / "target.png")
    return [RewardRequest(svg(fill), target, language="svg") for fill in ("red", "blue", "#123456")]


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", f"{request.node.name}-{os.getpid()}")


@pytest.fixture
def node() -> Iterator[NodeReward]:
    reward = NodeReward(OPTIONS)
    yield reward
    reward.close()


def servers(address: str) -> list[int]:
    """Return the processes that serve the address."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"vincicoder.trainers.node" in command and address.encode() in command:
            found.append(int(directory.name))
    return found


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def overall(reward: NodeReward | VisualReward, requests: list[RewardRequest]) -> dict[int, float]:
    return {index: result.overall for index, result in reward.stream(requests)}


def test_gives_what_a_reward_of_its_own_gives(node, requests):
    with VisualReward(**OPTIONS) as own:
        expected = overall(own, requests)
    assert overall(node, requests) == expected
    assert len(expected) == 3


RANK = """
import sys
from pathlib import Path
from vincicoder import RewardRequest
from vincicoder.trainers.node import NodeReward
node = NodeReward({options!r})
requests = [RewardRequest({response!r}, sys.argv[1], language="svg")] * 3
print(*(result.overall for _, result in node.stream(requests)), flush=True)
sys.stdin.read()
"""


def test_eight_ranks_that_start_at_once_share_one_process_that_ends_after_them(node, requests):
    code = RANK.format(options=OPTIONS, response=svg("red"))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(requests[0].target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )
        for _ in range(8)
    ]
    scores = [rank.stdout.readline().split() for rank in ranks]
    try:
        assert len(scores[0]) == 3
        assert all(each == scores[0] for each in scores)
        assert wait_until(lambda: len(servers(node._address)) == 1, 5)
        [server] = servers(node._address)
        for rank in ranks[1:]:
            rank.kill()
        time.sleep(6)
        assert servers(node._address) == [server], "a rank still lives"
    finally:
        for rank in ranks:
            rank.kill()
            rank.communicate()
    assert wait_until(lambda: not servers(node._address), 15)


def test_a_killed_server_is_replaced_and_no_result_is_lost(node, requests):
    first = overall(node, requests)
    [server] = servers(node._address)
    os.kill(server, signal.SIGKILL)
    assert overall(node, requests) == first
    assert wait_until(lambda: server not in servers(node._address), 5)


def test_a_server_killed_at_work_leaves_its_work_to_the_next(node, requests):
    stream = node.stream([*requests, *(RewardRequest(svg(f"#{i:06x}"), requests[0].target) for i in range(64))])
    seen = [next(stream)[0]]
    os.kill(servers(node._address)[0], signal.SIGKILL)
    seen += [index for index, _ in stream]
    assert sorted(seen) == list(range(67))


def test_an_option_that_cannot_work_is_the_same_error_as_without_a_node(requests):
    with pytest.raises(ConfigError, match="guards is 'none'"):
        overall(NodeReward({**OPTIONS, "guards": "none"}), requests)


def test_a_caller_that_stops_listening_leaves_the_server_usable(node, requests):
    stream = node.stream(requests)
    next(stream)
    stream.close()
    assert len(overall(node, requests)) == 3


def test_jobs_with_other_options_or_names_have_other_rewards(node, monkeypatch):
    assert NodeReward(OPTIONS)._address == node._address
    assert NodeReward({**OPTIONS, "workers": 2})._address != node._address
    monkeypatch.setenv("MASTER_PORT", "12345")
    assert NodeReward(OPTIONS)._address != node._address


def test_renders_as_scoring_does(node):
    render = node.render(svg("red").split("\n")[1], "svg")
    assert render.image is not None
    width, height = render.image.size
    assert render.image.getpixel((width * 30 // 64, height * 30 // 64)) == (255, 0, 0)


MEMBER = """
import json, sys
from vincicoder import CompletionReward
# Without a browser every page is a fault of the machine.
options = {"encoder": "embedded", "workers": 1, "browser": "/nowhere/chromium"}
reward = CompletionReward(faults="mean", group_size=4, **options)
call = json.loads(sys.argv[1])
print(json.dumps(reward(**call)), flush=True)
sys.stdin.read()
"""


def test_a_fault_of_the_machine_gets_the_mean_of_its_own_siblings_in_other_processes(requests):
    """Each of four ranks has one response of one group, and one to another prompt that scores well."""
    raster = f'```html\n<html><img src="data:image/png;base64,{"A" * 4000}"></html>\n```'
    group = ["```html\n<html>page</html>\n```", raster, "no code", raster]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LOCAL_WORLD_SIZE": "4"}
    columns = {"target": [str(requests[0].target)] * 2, "prompts": ["Write HTML.", "Draw it as SVG."]}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", MEMBER, json.dumps({"completions": [member, svg("red")], **columns})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )
        for member in group
    ]
    try:
        scores = [json.loads(rank.stdout.readline()) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
            rank.communicate()
    assert [first for first, _ in scores[1:]] == pytest.approx([0.1, 0.0, 0.1])
    assert scores[0][0] == pytest.approx(0.2 / 3)
    assert all(other > 0.5 for _, other in scores)
