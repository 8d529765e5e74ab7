"""One reward for all processes of a job on a node: real processes, real sockets."""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from repository import ROOT

from vincicoder import RewardRequest, VisualReward
from vincicoder.errors import ConfigError, ScoringUnavailable
from vincicoder.reward.codec import pack, unpack
from vincicoder.trainers.node import NodeReward
from vincicoder.trainers.node_socket import connect, node_key

pytestmark = pytest.mark.long

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


def test_ranks_that_start_at_once_share_one_process_that_ends_after_them(node, requests):
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
        for _ in range(4)
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


class Marks:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.path}'",)


STRANGER = """
import sys
from multiprocessing.connection import Client
connection = Client("\\0" + sys.argv[1], "AF_UNIX")
try:
    for _ in range(4):
        connection.send_bytes(bytes.fromhex(sys.argv[2]))
        print(connection.recv_bytes()[:10])
    connection.recv_bytes()
except (EOFError, OSError):
    print("refused")
"""


def test_a_process_of_the_same_user_without_the_key_is_refused_and_its_pickle_does_not_run(node, requests, tmp_path):
    overall(node, requests)
    marker = tmp_path / "marker"
    command = [sys.executable, "-c", STRANGER, node._address, pickle.dumps(("stream", (Marks(marker),))).hex()]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert said.endswith("refused\n")
    assert not marker.exists()
    assert len(overall(node, requests)) == 3


def test_nothing_that_arrives_is_unpickled_even_from_one_who_knows_the_key(node, requests, tmp_path):
    overall(node, requests)
    marker = tmp_path / "marker"
    with connect(node._address) as connection:
        connection.send_bytes(pickle.dumps(("stream", (Marks(marker),))))
        header, _ = unpack(connection.recv_bytes())
        assert "these bytes are no message" in header["message"]
        for message in (b"", b"\0\0\0\2[]", pack({"call": "__class__"}), pack({"call": "stream"})):
            connection.send_bytes(message)
            assert unpack(connection.recv_bytes())[0]["error"] == "ScoringUnavailable"
    assert not marker.exists()
    assert len(overall(node, requests)) == 3


def test_one_who_never_answers_the_challenge_holds_up_nobody(node, requests):
    overall(node, requests)
    with Client(f"\0{node._address}", "AF_UNIX"):
        other = NodeReward(OPTIONS)
        assert len(overall(other, requests)) == 3
        other.close()


def test_a_listener_without_the_key_gets_no_requests(node, requests):
    with Listener(f"\0{node._address}", "AF_UNIX", authkey=b"another key") as impostor:
        received = []

        def listen() -> None:
            try:
                received.append(impostor.accept().recv_bytes())
            except (EOFError, OSError, AuthenticationError) as error:
                received.append(type(error))

        thread = threading.Thread(target=listen)
        thread.start()
        with pytest.raises(ScoringUnavailable, match="another key than this one"):
            overall(node, requests)
        thread.join(10)
    assert received == [AuthenticationError]


def test_the_key_is_made_once_and_for_this_user_only(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    code = "from vincicoder.trainers.node_socket import node_key; print(node_key().hex())"
    command = [sys.executable, "-c", code]
    ranks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(4)]
    keys = {rank.communicate()[0].strip() for rank in ranks}
    assert keys == {node_key().hex()}
    file = tmp_path / "state" / "vincicoder" / "node-key"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert len(file.read_bytes()) == 32
    file.chmod(0o644)
    with pytest.raises(ScoringUnavailable, match="nobody else can read; delete it"):
        node_key()


def test_without_a_home_the_key_is_among_temporary_files(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert node_key() == (tmp_path / f"vincicoder-key-{os.getuid()}" / "node-key").read_bytes()


def test_every_form_of_target_gets_what_a_reward_of_its_own_gives_with_renders(requests, tmp_path):
    from PIL import Image

    image = Image.new("RGBA", (64, 64), (250, 0, 0, 128))
    path = Path(str(requests[0].target))
    targets = [
        str(path),
        path,
        path.read_bytes(),
        base64.b64encode(path.read_bytes()).decode(),
        {"bytes": None, "path": str(path)},
        [{"bytes": path.read_bytes()}],
        image,
        np.asarray(image.convert("RGB")),
        str(tmp_path / "missing.png"),
    ]
    work = [
        RewardRequest(
            svg("red"), target, "Draw it as SVG.", id=str(number), metadata={"uid": np.int64(3), "path": path}
        )
        for number, target in enumerate(targets)
    ]
    work.append(RewardRequest("no code \ud800", path, language="svg"))
    work.append(RewardRequest(svg("blue"), path, language="cobol"))
    options = {**OPTIONS, "keep_renders": "all"}
    node = NodeReward(options)
    try:
        found = dict(node.stream(work))
        render = node.render("<svg <", "svg")
        statuses = node.totals().statuses
    finally:
        node.close()
    with VisualReward(**options) as own:
        expected = dict(own.stream(work))
    for index, result in expected.items():
        same = replace(result.packed(), seconds=found[index].seconds)
        assert found[index] == same, work[index]
    assert [found[index].status for index in (0, 8, 9, 10)] == ["ok", "bad_target", "no_code", "bad_request"]
    assert found[0].render_bytes is not None
    assert render.status == "syntax_error"
    assert statuses == {"ok": 8, "bad_target": 1, "no_code": 1, "bad_request": 1}


def test_what_cannot_be_sent_spoils_its_own_request_only(node, requests):
    endless: list[Any] = []
    endless.append(endless)
    broken = [
        RewardRequest(svg("red"), endless, language="svg"),
        RewardRequest(svg("red"), 3, language="svg"),  # type: ignore[arg-type]
        RewardRequest(svg("red"), requests[0].target, language="svg", metadata={"it": endless}),
    ]
    results = dict(node.stream([*broken, *requests]))
    assert [results[index].status for index in range(6)] == ["bad_target"] * 2 + ["bad_request"] + ["ok"] * 3
    assert "nested more than 16 deep" in results[0].message


def test_groups_come_back_as_they_were(node):
    node.begin(["a", "a", "b"])
    node.finish("a", {"overall": 0.1 + 0.2})
    node.finish("a", None)
    groups = node.find(["a", "b", "c"])
    assert (groups["a"].begun, groups["a"].finished, groups["a"].judged) == (2, 2, 1)
    assert groups["a"].mean() == {"overall": 0.1 + 0.2}
    assert groups["b"].begun == 1
    assert groups["c"].begun == 0
