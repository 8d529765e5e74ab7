"""Where the service runs: real Ray nodes whose GPUs are only counted, as Ray does everywhere."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from repository import ROOT
from scored_groups import OPTIONS, expected, groups, plain

from vincicoder.cluster import ClusterReward
from vincicoder.cluster.options import ClusterConfig


@pytest.fixture
def trainer_and_reward_node():
    """A node of the trainer, and one that was started for the reward; yields the id of the latter."""
    from started_ray import two_nodes

    reward_node = {"num_cpus": 2, "num_gpus": 1, "resources": {"reward": 1}}
    with two_nodes({"num_cpus": 2, "num_gpus": 2}, reward_node) as cluster:
        [node] = cluster.worker_nodes
        yield node.node_id


@pytest.fixture
def all_taken():
    """A node whose CPUs and GPUs are all held by a placement group, as a trainer does; yields the group."""
    import ray
    from started_ray import one_node

    with one_node(num_cpus=2, num_gpus=2):
        group = ray.util.placement_group([{"CPU": 1, "GPU": 1}] * 2)
        ray.get(group.ready())
        assert ray.available_resources().get("GPU", 0) == ray.available_resources().get("CPU", 0) == 0
        yield group


def test_renders_and_encoder_run_on_the_reward_node_only(trainer_and_reward_node):
    options = {"node_resource": "reward", "encoder_gpus": 0.5, "encoders": 2, "render_cpus": 2}
    reward = ClusterReward(OPTIONS | options)
    work = [each for group in groups(6) for each in group]
    results = dict(reward.stream(work))
    assert [plain(results[index]) for index in range(len(work))] == expected(work)
    stats = reward.stats()
    assert list(stats["nodes"]) == [trainer_and_reward_node]
    assert [encoder["node"] for encoder in stats["encoders"]] == [trainer_and_reward_node] * 2
    assert all(encoder["tiles"] for encoder in stats["encoders"]), "both encoders had work"


def test_workers_of_a_job_that_holds_everything_get_their_rewards(all_taken):
    import ray
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    class Worker:  # in here, so that Ray sends its code along
        def __init__(self, root: str, options: dict[str, Any]) -> None:
            sys.path.append(root)
            from vincicoder.cluster import ClusterReward

            self.reward = ClusterReward(options)

        def score(self, requests: list[Any]) -> dict[int, Any]:
            return dict(self.reward.stream(requests))

    [work] = groups(1)
    actor = ray.remote(Worker)
    for capture in (False, True):
        strategy = PlacementGroupSchedulingStrategy(all_taken, placement_group_capture_child_tasks=capture)
        worker = actor.options(num_cpus=1, num_gpus=1, scheduling_strategy=strategy).remote(str(ROOT), OPTIONS)
        results = ray.get(worker.score.remote(work), timeout=120)
        assert [plain(results[index]) for index in range(len(work))] == expected(work)
        ray.kill(worker)  # and with it the service that it started


@pytest.mark.parametrize(
    ("gpus", "encoders"),
    [((1, 4), 2), pytest.param((0, 2), 1, marks=pytest.mark.slow), pytest.param((0, 0), 1, marks=pytest.mark.slow)],
)
def test_each_node_with_gpus_has_an_encoder_and_asks_its_own(gpus: tuple[int, int], encoders: int) -> None:
    from started_ray import two_nodes

    with two_nodes(*({"num_cpus": 2, "num_gpus": count} for count in gpus)):
        reward = ClusterReward(OPTIONS | {"patience_seconds": 300})  # two encoders start at once
        work = [each for group in groups(6) for each in group]
        results = dict(reward.stream(work))
        assert [plain(results[index]) for index in range(len(work))] == expected(work)
        found = reward.stats()["encoders"]
        assert len({encoder["node"] for encoder in found}) == len(found) == encoders
        assert all(encoder["tiles"] for encoder in found)


def test_an_encoder_runs_on_the_node_that_it_is_for_whichever_that_is() -> None:
    import ray
    from started_ray import two_nodes

    from vincicoder.cluster.service import Service

    with two_nodes({"num_cpus": 2}, {"num_cpus": 2, "num_gpus": 1}) as cluster:
        service = Service(ClusterConfig.of(OPTIONS))
        nodes = [cluster.head_node.node_id, cluster.worker_nodes.pop().node_id] * 3
        started = [service._start_encoder(f"encoder-{number}", node) for number, node in enumerate(nodes)]
        assert [found["node"] for found in ray.get([each.stats.remote() for each in started])] == nodes
