"""What dies is replaced: a real Ray cluster whose actors, nodes and driver are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scored_groups import OPTIONS, expected, groups, plain, wait_until

from vincicoder.cluster import ClusterReward
from vincicoder.rendering.sandbox import processes

ROOT = Path(__file__).resolve().parents[3]


def pids(stats: Any) -> dict[str, list[int]]:
    return {
        "scorers": [node["pid"] for node in stats["nodes"].values()],
        "encoders": [encoder["pid"] for encoder in stats["encoders"]],
        "service": [stats["pid"]],
    }


@pytest.fixture
def third(cluster) -> Iterator[Any]:
    """One more node, which may be lost."""
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node)


@pytest.mark.parametrize("victim", ["scorers", "encoders", "service"])
def test_what_is_killed_at_work_loses_no_request_and_changes_no_reward(cluster, victim):
    reward = ClusterReward(OPTIONS)
    work = [each for group in groups(24) for each in group]
    stream = reward.stream(work)
    results = dict([next(stream)])
    killed = pids(reward.stats())[victim]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    results.update(stream)
    assert [plain(results[index]) for index in range(len(work))] == expected(work)
    assert not set(pids(reward.stats())[victim]) & set(killed)


def test_a_node_lost_at_work_loses_no_request_and_changes_no_reward(cluster, third):
    reward = ClusterReward(OPTIONS)
    assert wait_until(lambda: len(reward.nodes(fresh=True)) == 3, 30)
    work = [each for group in groups(24) for each in group]
    stream = reward.stream(work)
    results = dict([next(stream)])
    remover = threading.Thread(target=cluster.remove_node, args=[third])
    remover.start()
    results.update(stream)
    remover.join()
    assert [plain(results[index]) for index in range(len(work))] == expected(work)
    assert wait_until(lambda: len(reward.nodes(fresh=True)) == 2, 30)


def test_a_node_that_comes_is_used(cluster, request):
    reward = ClusterReward(OPTIONS)
    dict(reward.stream(groups(1)[0]))
    before = {node.id for node in reward.nodes(fresh=True)}
    request.getfixturevalue("third")
    assert wait_until(lambda: len(reward.nodes(fresh=True)) == 3, 30)
    dict(reward.stream([each for group in groups(24) for each in group]))
    [came] = [node for id, node in reward.stats()["nodes"].items() if id not in before]
    assert came["statuses"]


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


@pytest.mark.parametrize("death", ["kill", "end"])
def test_nothing_outlives_the_driver(death):
    code = DRIVER.format(root=str(ROOT), tests=str(Path(__file__).parent))
    driver = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    actors = [int(pid) for pid in driver.stdout.readline().split()]
    assert len(actors) == 3
    family = [*actors, *(pid for actor in actors for pid in processes.descendants(actor))]
    assert len(family) > len(actors), "there are render workers below the actors"
    if death == "kill":
        driver.kill()
    driver.communicate()
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), 60)
