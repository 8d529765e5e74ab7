"""Results: the same keys whatever became of a request, and renders that survive another process."""

from __future__ import annotations

import json
import pickle

import pytest
from PIL import Image, ImageDraw

from vincicoder.reward import NAMED_SCORES, STAGES, RewardRequest, RewardResult, rank_group
from vincicoder.status import Fault, Status


@pytest.mark.parametrize("status", list(Status))
def test_a_failed_result_has_every_key_and_says_whose_fault_it_was(status: Status) -> None:
    result = RewardResult.failed(RewardRequest("x", b"", language="svg", id="7"), status, "why", code="c")
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert data.keys() >= {*NAMED_SCORES, "status", "message", "language", "code", "grid", "tiles", "seconds", "scores"}
    assert all(data[name] == 0 for name in NAMED_SCORES)
    assert (data["status"], data["message"], data["language"], data["code"], data["id"]) == (
        *(status.value, "why", "svg", "c", "7"),
    )
    assert set(data["seconds"]) == set(STAGES)
    assert result.status.fault in Fault


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (3, 20_000)])
def test_a_packed_render_is_the_same_image_elsewhere(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).line((0, 0, *size), "red")
    result = RewardResult.failed(RewardRequest("", b""), Status.OK, "", render=image)
    packed = pickle.loads(pickle.dumps(result.packed()))
    assert packed.render is None
    assert packed.image().tobytes() == image.tobytes()
    assert result.image() is image
    assert not {"render", "render_bytes"} & json.loads(json.dumps(packed.to_dict())).keys()


def test_a_result_without_a_render_packs_to_itself() -> None:
    result = RewardResult.failed(RewardRequest("", b""), Status.NO_CODE, "none")
    assert result.packed() is result
    assert result.image() is None


def ranked(*rewards: float | None) -> list[float | None]:
    request = RewardRequest("", b"")
    results = [
        RewardResult.failed(request, Status.INFRASTRUCTURE if reward is None else Status.OK, "", overall=reward or 0.0)
        for reward in rewards
    ]
    return rank_group([request] * len(results), results)


def test_a_rank_is_the_share_of_judged_samples_that_are_beaten() -> None:
    assert ranked(0.2, 0.8, 0.5) == [0, 1, 0.5]
    assert ranked(0.5, 0.5, 0.1) == [0.75, 0.75, 0]
    assert ranked(0.3, None, 0.4) == [0, None, 1]
    assert ranked(0.3) == [0.5]
    assert ranked(None) == [None]
    assert ranked() == []


def test_ranking_wants_a_result_for_each_request() -> None:
    with pytest.raises(ValueError, match="2 requests and 1 results"):
        rank_group([RewardRequest("", b"")] * 2, [RewardResult.failed(RewardRequest("", b""), Status.OK, "")])
