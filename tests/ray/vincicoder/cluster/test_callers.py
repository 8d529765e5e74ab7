"""Several processes that score at once, as a trainer's reward workers do, in a real Ray cluster of two raylets."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest
from repository import ROOT
from scored_groups import OPTIONS, expected, groups, plain

from vincicoder import RewardRequest

DEADLINES = itertools.count(300)


def callers(count: int) -> list[Any]:
    """Return actors that score as a trainer's reward workers do, each in a process of its own.

    They share a service that nobody else has: whose options differ have another one.
    """
    import ray

    class Caller:  # in here, so that Ray sends its code along
        def __init__(self, root: str, options: dict[str, Any]) -> None:
            sys.path.append(root)
            from vincicoder.cluster import ClusterReward

            self.reward = ClusterReward(options)

        def score(self, requests: list[Any]) -> dict[int, Any]:
            return dict(self.reward.stream(requests))

        def stats(self) -> Any:
            return self.reward.stats()

    actor = ray.remote(num_cpus=0)(Caller)
    options = OPTIONS | {"workers": 4, "deadline_seconds": next(DEADLINES)}
    return [actor.remote(str(ROOT), options) for _ in range(count)]


def whole(work: list[list[RewardRequest]], count: int) -> list[list[RewardRequest]]:
    """Deal groups out to callers."""
    return [[each for group in work[n::count] for each in group] for n in range(count)]


def scattered(work: list[list[RewardRequest]], count: int) -> list[list[RewardRequest]]:
    """Deal the responses of every group out to callers, as verl does."""
    return [[each for group in work for each in group[n::count]] for n in range(count)]


def run_callers(parts: list[list[RewardRequest]]) -> tuple[list[Any], list[Any], Any]:
    """Score each part in a process of its own, at once; return results, what was expected, and the counts."""
    import ray

    actors = callers(len(parts))
    answers = ray.get([actor.score.remote(part) for actor, part in zip(actors, parts, strict=True)])
    found = [plain(answer[index]) for answer, part in zip(answers, parts, strict=True) for index in range(len(part))]
    stats = ray.get(actors[0].stats.remote())
    for actor in actors:
        ray.kill(actor)
    return found, expected([each for part in parts for each in part]), stats


def assert_callers_get_the_local_results(parts: list[list[RewardRequest]], targets: int, embedded: int) -> None:
    """Score the parts; ``embedded`` is how often the targets may be embedded at most."""
    found, local, stats = run_callers(parts)
    assert found == local
    nodes = stats["nodes"].values()
    assert len(nodes) == 2
    assert all(node["embedded"] for node in nodes), "both nodes had work"
    misses = sum(node["embedded"] for node in nodes)
    assert targets <= misses <= embedded
    assert targets <= sum(node["fetched"] for node in nodes) <= embedded, "targets travel once"
    rendered = sum(node["statuses"]["ok"] for node in nodes)
    assert rendered == targets * 6
    assert sum(node["reused"] for node in nodes) == rendered - misses


@pytest.mark.parametrize("deal", [pytest.param(whole, marks=pytest.mark.slow), scattered])
def test_callers_that_start_at_once_share_one_service_and_embed_each_target_once(cluster, deal):
    # So few that no node ever has twice its share, which would let another one help.
    assert_callers_get_the_local_results(deal(groups(8), 4), targets=8, embedded=8)


def test_a_target_outlives_the_process_that_brought_it(cluster):
    import ray

    owner, other = callers(2)
    known, shared = groups(2)
    ray.get(owner.score.remote(known))  # starts the service, which ends with the process that did
    ray.get(other.score.remote(shared))
    ray.kill(other)
    answer = ray.get(owner.score.remote(shared))
    assert [plain(answer[index]) for index in range(len(shared))] == expected(shared)
    ray.kill(owner)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("deal", [whole, scattered])
def test_2048_requests_of_8_callers_give_the_local_results(cluster, deal):
    assert_callers_get_the_local_results(deal(groups(256), 8), targets=256, embedded=282)
