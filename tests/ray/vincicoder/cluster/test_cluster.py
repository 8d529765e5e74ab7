"""The reward as a service in a real Ray cluster of two raylets."""

from __future__ import annotations

import time
from typing import Any

import pytest
from scored_groups import OPTIONS, expected, groups, local, plain, svg, target, wait_until
from started_ray import shared_cluster

from vincicoder import RewardRequest, VisualReward
from vincicoder.cluster import ClusterReward
from vincicoder.errors import ClusterUnavailable, ConfigError, EncoderError

pytestmark = pytest.mark.long


def scores(reward: ClusterReward, requests: list[RewardRequest]) -> list[tuple[Any, ...]]:
    results = dict(reward.stream(requests))
    return [plain(results[index]) for index in range(len(requests))]


@pytest.fixture(scope="module")
def reward() -> ClusterReward:
    """One service for the tests of this file; it ends with its last user."""
    shared_cluster()
    return ClusterReward(OPTIONS)


def test_results_are_the_local_ones_to_the_bit(reward, tmp_path):
    path = tmp_path / "target.png"
    path.write_bytes(target(3))
    requests = [
        *(each for group in groups(3) for each in group),
        RewardRequest(svg(9), str(path), language="svg"),
        RewardRequest(svg(9), {"bytes": target(3), "path": None}, prompt="Draw it as SVG."),
        RewardRequest(svg(9), "missing.png", language="svg"),
        RewardRequest(svg(9), target(3), language="cobol"),
        RewardRequest("```svg\n<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>\n```", target(3), "SVG"),
        RewardRequest("```python\n1 / 0\n```", target(3), language="python"),
    ]
    assert scores(reward, requests) == expected(requests)


def test_weights_are_applied_where_the_scores_arrive(reward):
    [request, *_] = groups(1)[0]
    other = ClusterReward(OPTIONS | {"alignment_weight": 0.5})
    [(_, light)], [(_, heavy)] = reward.stream([request]), other.stream([request])
    assert heavy.scores == light.scores
    assert light.overall == pytest.approx(0.9 * light.visual + 0.1)
    assert heavy.overall == pytest.approx(0.5 * light.visual + 0.5)
    assert other.stats()["pid"] == reward.stats()["pid"], "both are one service"


def test_renders_arrive_when_they_are_asked_for(cluster, reward):
    [request, *_, failed] = groups(1)[0]
    keeping = ClusterReward(OPTIONS | {"keep_renders": "all"})
    results = dict(keeping.stream([request, failed]))
    assert results[0].image().tobytes() == local().score([request])[0].render.tobytes()
    assert results[0].render is None
    assert results[1].render_bytes is None
    [(_, without)] = reward.stream([request])
    assert without.render_bytes is None


def test_code_is_rendered_as_it_is_scored(reward):
    code = svg(9).removeprefix("```svg\n").removesuffix("\n```")
    expected = local().render(code, "svg")
    found = reward.render(code, "SVG")
    assert (found.status, found.image.tobytes()) == (expected.status, expected.image.tobytes())
    assert reward.render("<svg <", "svg").status == "syntax_error"
    with pytest.raises(ConfigError, match="cobol"):
        reward.render(code, "cobol")


def test_totals_are_those_of_all_nodes(reward):
    before = reward.totals()
    results = [result for _, result in reward.stream([each for group in groups(2) for each in group])]
    after = reward.totals()
    assert after.statuses["ok"] - before.statuses["ok"] == 12
    assert sum(after.statuses.values()) - sum(before.statuses.values()) == 16
    compared = [each.embedded + each.reused for each in (before, after)]
    assert compared[1] - compared[0] == 12
    assert after.tiles - before.tiles >= sum(len(result.tiles) for result in results) > 0


def test_images_that_are_no_files_arrive_as_they_are(reward):
    from vincicoder.images import open_target

    requests = [RewardRequest(svg(9), open_target(target(5)), language="svg")]
    assert scores(reward, requests) == expected(requests)


def test_an_encoder_that_cannot_be_loaded_is_the_local_error(cluster):
    with pytest.raises(EncoderError) as local:
        VisualReward("./no-such-directory")
    with pytest.raises(EncoderError) as remote:
        scores(ClusterReward(OPTIONS | {"encoder": "./no-such-directory"}), groups(1)[0])
    assert str(remote.value) == str(local.value)


def test_a_wrong_value_is_the_local_error(cluster):
    with pytest.raises(ConfigError, match="guards is 'none'"):
        scores(ClusterReward(OPTIONS | {"guards": "none"}), groups(1)[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"node_resource": "reward"}, "no node of the cluster could score for 3 s.*only those with the resource 'rew"),
        ({"encoder_gpus": 1}, "Ray found no room for 1 encoder.*encoder_gpus=1.*`ray status` shows"),
    ],
)
def test_lost_capacity_is_a_clear_error_in_bounded_time(cluster, options, said):
    started = time.monotonic()
    with pytest.raises(ClusterUnavailable, match=said):
        scores(ClusterReward(OPTIONS | {"patience_seconds": 3} | options), groups(1)[0])
    assert time.monotonic() - started < 240


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"node_resourc": "x"}, "there is no option 'node_resourc'; did you mean 'node_resource'"),
        ({"encodr": "embedded"}, "there is no option 'encodr'; did you mean 'encoder'"),
        ({"encoders": 0}, "encoders is 0; expected a whole number of at least 1"),
        ({"encoder_gpus": -1}, "encoder_gpus is -1; expected a number of at least 0"),
        ({"deadline_seconds": 0}, "deadline_seconds is 0; expected a number above 0"),
    ],
)
def test_a_wrong_option_is_an_error_before_anything_starts(options, said):
    with pytest.raises(ConfigError, match=said):
        ClusterReward(options)


def test_a_request_that_no_node_answers_is_given_up_as_a_fault_of_the_machine(cluster):
    reward = ClusterReward(OPTIONS | {"deadline_seconds": 2, "wall_seconds": 60, "cpu_seconds": 60})
    assert wait_until(lambda: scores(reward, groups(1)[0]) == expected(groups(1)[0]), 60), "all nodes have started"
    sleeps = RewardRequest(
        "```python\nimport threading\nthreading.Event().wait(40)\n```", target(1), language="python", id="lost"
    )
    results = dict(reward.stream([sleeps, *groups(1)[0]]))
    assert results[0].status == "infrastructure"
    assert "no answer in" in results[0].message
    assert results[0].id == "lost"
    assert [plain(results[index + 1]) for index in range(8)] == expected(groups(1)[0])
