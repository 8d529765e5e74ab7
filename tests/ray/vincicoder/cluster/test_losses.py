"""What dies is replaced: a real Ray cluster whose actors, nodes and driver are killed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT, SUPPORT
from scored_groups import OPTIONS, expected, groups, plain, wait_until

from vincicoder.cluster import ClusterReward
from vincicoder.rendering.sandbox import processes

pytestmark = pytest.mark.long


def pids(stats: Any) -> dict[str, list[int]]:
    return {
        "scorers": [node["pid"] for node in stats["nodes"].values()],
        "encoders": [encoder["pid"] for encoder in stats["encoders"]],
        "service": [stats["pid"]],
    }


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_what_is_killed_at_work_loses_no_request_and_changes_no_reward(cluster):
    reward = ClusterReward(OPTIONS)
    work = [each for group in groups(20) for each in group]
    stream = reward.stream(work)
    results, killed = {}, []
    for victim in ("scorers", "encoders", "service"):
        results.update(itertools.islice(stream, 20))
        killed += (victims := pids(reward.stats())[victim])
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
    results.update(stream)
    assert [plain(results[index]) for index in range(len(work))] == expected(work)
    replaced = pids(reward.stats())
    assert all(replaced.values())
    assert not set(killed) & set(itertools.chain(*replaced.values()))


@pytest.mark.slow
def test_a_node_that_comes_is_used_and_when_lost_at_work_loses_no_request_and_changes_no_reward(cluster):
    reward = ClusterReward(OPTIONS)
    dict(reward.stream(groups(1)[0]))
    before = {node.id for node in reward.nodes(fresh=True)}
    third = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    assert wait_until(lambda: len(reward.nodes(fresh=True)) == 3, 30)

    def used() -> bool:
        dict(reward.stream([each for group in groups(3) for each in group]))
        came = [node for id, node in reward.stats()["nodes"].items() if id not in before]
        return any(node["statuses"]["ok"] for node in came)

    assert wait_until(used, 60)
    work = [each for group in groups(16) for each in group]
    stream = reward.stream(work)
    results = dict(itertools.islice(stream, 30))
    remover = threading.Thread(target=cluster.remove_node, args=[third])
    remover.start()
    results.update(stream)
    remover.join()
    assert [plain(results[index]) for index in range(len(work))] == expected(work)
    assert wait_until(lambda: len(reward.nodes(fresh=True)) == 2, 30)


DRIVER = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
import ray
ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
from scored_groups import OPTIONS, groups
from vincicoder.cluster import ClusterReward
reward = ClusterReward(OPTIONS)
dict(reward.stream(groups(1)[0]))
stats = reward.stats()
print(stats["pid"], *(each["pid"] for each in [*stats["nodes"].values(), *stats["encoders"]]), flush=True)
sys.stdin.read()
"""


def test_nothing_outlives_the_driver():
    code = DRIVER.format(root=str(ROOT), tests=str(SUPPORT))
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    killed, ended = drivers = [subprocess.Popen([sys.executable, "-c", code], **pipes) for _ in range(2)]
    families = []
    for driver in drivers:
        actors = [int(pid) for pid in driver.stdout.readline().split()]
        assert len(actors) == 3
        families.append([*actors, *(pid for actor in actors for pid in processes.descendants(actor))])
        assert len(families[-1]) > len(actors), "there are render workers below the actors"
    killed.kill()
    for driver in (killed, ended):
        driver.communicate()
    assert wait_until(lambda: not any(map(alive, families)), 60)
