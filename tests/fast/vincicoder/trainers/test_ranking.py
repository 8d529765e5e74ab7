"""Groups whose responses meet one by one, and whole batches of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pair_judge
import pytest
from chat_server import ChatServer, chatting
from PIL import Image

from vincicoder import RewardRequest
from vincicoder.errors import ConfigError, ScoringUnavailable
from vincicoder.reward import RewardResult
from vincicoder.status import Status
from vincicoder.trainers.metrics import metrics_of
from vincicoder.trainers.ranking import Rendezvous, check_truncation, ranked
from vincicoder.trainers.ranking import pair_judge as judge_of

TARGET = Image.new("RGB", (32, 32), (200, 0, 0))


def pair(red: int, uid: str = "a") -> tuple[RewardRequest, RewardResult]:
    request = RewardRequest("", TARGET, language="svg", metadata={"uid": uid})
    known: dict[str, Any] = {
        "overall": red / 255,
        "visual": 0.5,
        "scores": {"coarse": 0.0, "fine": 0.0, "alignment": 1.0, "execution": 1.0},
        "message": "",
        "code": "",
        "grid": None,
    }
    known |= {"language": "svg", "tiles": (), "encoder": "", "preset": "", "seconds": {}}
    return request, RewardResult(status=Status.OK, render=Image.new("RGB", (32, 32), (red, 0, 0)), **known)


def meeting(server: ChatServer, patience: float = 30.0) -> Rendezvous:
    return Rendezvous({"url": server.url, "model": "judge", "tries": 1}, patience)


def test_the_members_of_a_group_are_ranked_when_all_have_come():
    async def run(server: ChatServer) -> list[Any]:
        desk = meeting(server)
        one = [desk.rank("a", 3, *pair(red)) for red in (200, 20, 110)]
        two = [desk.rank("b", 2, *pair(red, "b")) for red in (90, 200)]
        return await asyncio.wait_for(asyncio.gather(*one, *two), 20)

    with chatting(pair_judge.judge) as server:
        found = asyncio.run(run(server))
    rewards, _, incomplete = zip(*found, strict=True)
    assert rewards == pytest.approx((1.0, 0.5, 0.75, 2 / 3, 1.0))
    assert not any(incomplete)


def test_a_member_that_could_not_be_judged_is_not_waited_for():
    async def run(server: ChatServer) -> list[Any]:
        desk = meeting(server)
        waiting = [desk.rank("a", 3, *pair(red)) for red in (200, 20)]
        return await asyncio.wait_for(asyncio.gather(*waiting, desk.rank("a", 3, None, None)), 20)

    with chatting(pair_judge.judge) as server:
        found = asyncio.run(run(server))
    assert [reward for reward, *_ in found] == [pytest.approx(1.0), pytest.approx(2 / 3), None]
    assert not any(incomplete for *_, incomplete in found)


def test_after_its_patience_a_group_is_ranked_as_it_is_and_says_so_and_latecomers_are_ranked_among_all():
    async def run(server: ChatServer) -> Any:
        desk = meeting(server, patience=0.2)
        early = await asyncio.gather(*(desk.rank("a", 3, *pair(red)) for red in (200, 20)))
        late = await desk.rank("a", 3, *pair(110))
        return early, late

    with chatting(pair_judge.judge) as server:
        early, late = asyncio.run(run(server))
        assert len(server.requests) == 3, "of the latecomer, only the new pairs are asked"
    assert [incomplete for *_, incomplete in early] == [True, True]
    assert (late[0], late[2]) == (pytest.approx(0.75), False)


def test_a_judge_that_is_gone_is_an_error_for_all_members():
    async def run(server: ChatServer) -> list[Any]:
        desk = meeting(server)
        return await asyncio.gather(*(desk.rank("a", 2, *pair(red)) for red in (200, 20)), return_exceptions=True)

    with chatting(lambda _: 500) as server:
        assert [type(each) for each in asyncio.run(run(server))] == [ScoringUnavailable] * 2


def test_a_batch_is_ranked_group_by_group():
    samples = [pair(200), pair(20), pair(90, "b"), pair(110), pair(90, "c"), pair(200, "b")]
    requests, results = zip(*samples, strict=True)
    metrics = [metrics_of(each, ()) for each in results]
    known = {index: each for index, each in enumerate(results) if index != 3}
    with chatting(pair_judge.judge) as server:
        found = ranked(judge_of({"url": server.url, "model": "judge"}), requests, metrics, known)
        asked = len(server.requests)
        judge = judge_of({"url": server.url, "model": "judge"})
        validated = ranked(judge, requests, metrics, known, training=False)
        assert len(server.requests) == asked, "a validation is not ranked"
    assert [each["overall"] for each in found] == pytest.approx([1.0, 2 / 3, 2 / 3, 5 / 6, 90 / 255, 1.0])
    assert [each["overall"] for each in validated] == [each["overall"] for each in metrics]
    assert validated[0].keys() == found[0].keys()
    assert [each["rank/unranked"] for each in found] == [each["overall"] for each in metrics]
    assert len({frozenset(each) for each in found}) == 1, "all have the same keys"


def test_wrong_options_are_errors_that_name_them():
    with pytest.raises(ConfigError, match="it needs url and model"):
        judge_of({"url": "http://localhost:1/v1"})
    with pytest.raises(ConfigError, match=r"the option rank: .*'modle'"):
        judge_of({"url": "http://localhost:1/v1", "modle": "judge"})
    with pytest.raises(ConfigError, match="truncated is 'mask'"):
        check_truncation("mask")
