"""Ranking within a group by a judge of pairs: RVPO's numbers, a budget, ties, and no fault that becomes a 0."""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from typing import Any

import pair_judge
import pytest
from chat_server import ChatServer, chatting
from PIL import Image

from vincicoder import RewardRequest
from vincicoder.errors import ConfigError, FaultyAnswer, ScoringUnavailable
from vincicoder.reward import RewardResult
from vincicoder.reward.pairwise import PairJudge, Ranking, _ring, scores_in
from vincicoder.status import Status

TARGET = Image.new("RGB", (32, 32), (200, 0, 0))


def request() -> RewardRequest:
    return RewardRequest("", TARGET, language="svg")


def drawn(red: int) -> RewardResult:
    known: dict[str, Any] = {"overall": 0.5, "visual": 0.5, "scores": {}, "message": "", "code": "", "grid": None}
    known |= {"language": "svg", "tiles": (), "encoder": "", "preset": "", "seconds": {}}
    return RewardResult(status=Status.OK, render=Image.new("RGB", (32, 32), (red, 0, 0)), **known)


def failed(status: Status) -> RewardResult:
    return RewardResult.failed(request(), status, "why", language="svg")


def rank(server: ChatServer, results: list[RewardResult], **options: Any) -> Ranking:
    return PairJudge(server.url, "judge", tries=1, **options).rank_group([request()] * len(results), results)


def rvpo(scores: list[float | None]) -> list[float]:
    """Return RVPO's rewards, by the paper's formula: -1 without a render, else one and the wins of the others."""
    pool = [each for each in scores if each is not None]
    return [
        -1.0 if mine is None else 1 + sum((mine > other) + (mine == other) / 2 for other in pool) - 0.5
        for mine in scores
    ]


def test_rewards_are_rvpos_but_for_shift_and_scale():
    reds = [200, 150, 150, 20, None, 90]
    results = [failed(Status.RUNTIME_ERROR) if red is None else drawn(red) for red in reds]
    with chatting(pair_judge.judge) as server:
        found = rank(server, results)
    theirs = rvpo(reds)
    assert found.rewards == pytest.approx([(each + 1) / (len(reds) + 1) for each in theirs])
    assert found.asked == 9, "ten pairs of renders, of which one pair is the same image"
    assert found.failed == 0
    assert all(0 <= each <= 1 for each in found.rewards)


def test_what_the_data_or_the_machine_spoilt_ranks_nobody():
    results = [drawn(200), failed(Status.INFRASTRUCTURE), failed(Status.BAD_TARGET), drawn(20)]
    with chatting(pair_judge.judge) as server:
        best, *spoilt, worst = rank(server, results).rewards
    assert spoilt == [None, None]
    assert (best, worst) == pytest.approx((1.0, 2 / 3))


@pytest.mark.parametrize(("count", "pairs"), [(8, 12), (8, 28), (16, 24), (5, 3), (7, 100), (2, 1)])
def test_the_budget_is_kept_and_spread_evenly(count, pairs):
    found = _ring(range(count), pairs)
    assert len(found) == min(pairs, count * (count - 1) // 2)
    assert len({frozenset(pair) for pair in found}) == len(found)
    times = Counter(itertools.chain.from_iterable(found))
    assert max(times.values()) - min(times[each] for each in range(count)) <= 2
    if len(found) == count * (count - 1) // 2:
        assert {frozenset(pair) for pair in found} == {
            frozenset(pair) for pair in itertools.combinations(range(count), 2)
        }


def test_a_judge_is_asked_no_more_than_the_budget_and_not_twice():
    results = [drawn(red) for red in range(10, 170, 20)]
    with chatting(pair_judge.judge) as server:
        judge = PairJudge(server.url, "judge", pairs=12, tries=1)
        first = judge.rank_group([request()] * 8, results)
        assert first.asked == len(server.requests) == 12
        assert judge.rank_group([request()] * 8, results) == first
        assert len(server.requests) == 12
    assert first.rewards[-1] > first.rewards[0]


def test_equal_numbers_are_a_tie():
    with chatting(lambda _: json.dumps({"second": 50, "third": 50})) as server:
        assert rank(server, [drawn(0), drawn(100), drawn(200)]).rewards == pytest.approx([0.75] * 3)


def test_a_pair_without_an_answer_is_left_out_and_a_render_without_pairs_is_in_the_middle():
    def sometimes(body: dict[str, Any]) -> str:
        _, second, third = pair_judge.images_of(body)
        broken = {second.getpixel((0, 0))[0], third.getpixel((0, 0))[0]} & {100}
        return "Both are nice." if broken else pair_judge.judge(body)

    with chatting(sometimes) as server:
        found = rank(server, [drawn(0), drawn(100), drawn(200)])
    assert (found.asked, found.failed) == (3, 2)
    worst, middle, best = found.rewards
    assert worst < middle < best


@pytest.mark.parametrize("answer", [500, "Both are nice."])
def test_a_judge_that_answers_nothing_stops_the_run_and_gives_no_reward(answer):
    with chatting(lambda _: answer) as server, pytest.raises(ScoringUnavailable, match="ranked none of 1 pairs"):
        rank(server, [drawn(0), drawn(200)])


def test_nobody_is_asked_about_one_render_or_none():
    with chatting(pair_judge.judge) as server:
        assert rank(server, [drawn(0), failed(Status.BLANK)]).rewards == pytest.approx([2 / 3, 0.0])
        assert rank(server, [failed(Status.BLANK)] * 2).rewards == (0.0, 0.0)
        assert rank(server, []).rewards == ()
        assert server.requests == []


@pytest.mark.parametrize(
    "answer", ["", "{", '{"second": 3}', '{"second": 101, "third": 3}', '{"second": true, "third": 3}']
)
def test_an_answer_without_two_numbers_is_none(answer):
    with pytest.raises(FaultyAnswer):
        scores_in(answer)


def test_a_wrong_option_is_an_error_at_the_start(tmp_path):
    for wrong, said in (({"pairs": 0}, "pairs is 0"), ({"prompt": str(tmp_path / "none")}, "cannot be read")):
        with pytest.raises(ConfigError, match=said):
            PairJudge("http://localhost:1/v1", "judge", **wrong)


def test_several_threads_may_ask():
    with chatting(pair_judge.judge) as server:
        judge = PairJudge(server.url, "judge", tries=1)
        found: list[Ranking] = []
        threads = [
            threading.Thread(target=lambda: found.append(judge.rank_group([request()] * 2, [drawn(0), drawn(200)])))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {each.rewards for each in found} == {found[0].rewards}
