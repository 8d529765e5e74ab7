"""Each layer matters: take it away, and an attack that it stopped succeeds. In namespaces that are thrown away."""

from __future__ import annotations

import base64
import functools
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from PIL import Image
from repository import SUPPORT

from vincicoder import RewardRequest, VisualReward
from vincicoder.attacks import native, python_files, python_processes
from vincicoder.rendering import Limits
from vincicoder.rendering.config import SandboxConfig
from vincicoder.rendering.sandbox import client

NAMESPACES = ["--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--ipc", "--uts", "--mount"]
OF_A_USER = ["unshare", "--user", "--map-root-user", *NAMESPACES]
OF_ROOT = ["unshare", *NAMESPACES]

# What is taken away, and what then succeeds. Where two layers stop it, the first alone is not enough.
NEEDED = {
    "landlock": "python/read-file",
    "seccomp": "python/io-uring",
    "limits": "python/memory-shared",
    "watch": "python/many-files",
    "fresh": "python/memory-of-siblings",
    "environment": "python/environment",
    "results": "python/forged-link",
    "namespace": "browser/squat",
    "origins": "html/left-local-storage",
    "landlock,svg": "svg/image-url",
    "landlock,tex": "latex/read-input",
    "formats": "target/eps",
    "service": "http/other-site",
    "key": "node/no-key",
}


@functools.cache
def available(*prefix: str) -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0


def tried(prefix: list[str], layers: str, *attacks: str) -> dict[str, dict[str, Any]]:
    if not available(*prefix):
        pytest.skip("namespaces are not allowed here, and nothing else would contain a successful attack")
    command = [*prefix, sys.executable, str(SUPPORT / "weakened.py"), layers]
    arguments = ["doctor", "--attack", "--json", "--only", ",".join(attacks)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode in (0, 1), done.stderr
    return {each["attack"]: each for each in json.loads(done.stdout)["attacks"]}


@pytest.mark.slow
@pytest.mark.parametrize("layer", NEEDED)
def test_without_a_layer_an_attack_succeeds_that_it_stops(layer: str) -> None:
    attack = NEEDED[layer]
    but_one = layer.rpartition(",")[0] or "nothing"
    assert tried(OF_A_USER, but_one, attack)[attack]["verdict"] == "stopped"
    without = tried(OF_A_USER, layer, attack)[attack]
    assert without["verdict"] == ("not covered" if layer == "namespace" else "ESCAPED"), without


UNCONFINED = "landlock,seccomp,capabilities,results,namespace,origins"
# What does not succeed in a namespace either, with the reason: there it says nothing about the sandbox.
IN_VAIN = {
    "privileges that a namespace does not give": "read-kernel-log watch-file-system device raise-limits raise-pace become-user"
    " performance set-clock kernel-log",
    "no such thing in many kernels": "open-own-terminal write-control-group load-module load-kernel far-newer-call x32-call"
    " ports quota secret-memory",
    "no network to ask": "resolve",
    "it ends itself": "vfork",
    "a rule of the kernel": "message-of-stream message-of-packets",
}


@pytest.mark.slow
def test_all_attacks_on_files_processes_and_calls_succeed_where_nothing_stops_them() -> None:
    attacks = [*python_files.ATTACKS, *python_processes.ATTACKS, *native.ATTACKS]
    mounted = [*OF_A_USER, "sh", "-c", 'mount -t tmpfs tmpfs /dev/shm; exec "$@"', "sh"]
    found = tried(mounted, UNCONFINED, *(attack.title for attack in attacks))
    vain = {name for names in IN_VAIN.values() for name in names.split()}
    stopped = [each for each in attacks if found[each.title]["verdict"] not in ("ESCAPED", "not covered")]
    assert {each.name for each in stopped} - vain == set(), [found[each.title] for each in stopped]
    assert len(attacks) - len(stopped) > 200


@pytest.mark.slow
def test_without_dropped_capabilities_root_gets_ahead_of_everybody() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has privileges to lose")
    attack = "python/raise-pace"
    assert tried(OF_ROOT, "namespace", attack)[attack]["verdict"] == "stopped"
    assert tried(OF_ROOT, "namespace,capabilities", attack)[attack]["verdict"] == "ESCAPED"


# The two that no attack in the list can show: one by one, in this process


RASTER = "```svg\n<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'><image href='{}' width='64' height='64'/></svg>\n```"


def test_without_guards_an_embedded_target_is_rewarded() -> None:
    picture = Image.effect_noise((64, 64), 90).convert("RGB")
    data = io.BytesIO()
    picture.save(data, "PNG")
    url = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    request = RewardRequest(RASTER.format(url), data.getvalue(), language="svg")
    rewards = {}
    for guards in (("blank", "raster"), ()):
        with VisualReward(encoder="embedded", workers=1, guards=guards) as reward:
            [(_, result)] = reward.stream([request])
            rewards[guards] = result.visual
    assert rewards["blank", "raster"] == 0
    assert rewards[()] > 0.9


@pytest.mark.parametrize("seconds", [1.0, 3600.0])
def test_only_a_deadline_ends_the_wait_for_a_server_that_stands_still(seconds: float) -> None:
    fork_server = client.ForkServer("vincicoder.rendering.svg:SvgRenderer", {}, Limits(), SandboxConfig())
    try:
        fork_server._deadline = seconds
        os.kill(fork_server.pid, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as threads:
            future = threads.submit(fork_server.run, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'/>")
            ended = not wait([future], timeout=5).not_done
            os.kill(fork_server.pid, signal.SIGKILL)
            with pytest.raises(client.ServerDied):
                future.result(timeout=30)
        assert ended == (seconds == 1.0)
    finally:
        fork_server.close()
