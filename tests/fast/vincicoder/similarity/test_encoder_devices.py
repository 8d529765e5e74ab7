"""One encoder on several devices. Two of the same CPU stand for two GPUs, which take the same way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.reward import RewardRequest, VisualReward
from vincicoder.similarity import TILE, load_encoder
from vincicoder.similarity.encoders._several import SeveralEncoders
from vincicoder.trainers.node import NodeReward

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="{}"/></svg>'
TILES = np.random.default_rng(0).integers(0, 256, (3, TILE, TILE, 3), np.uint8)


def test_several_devices_give_the_same_embeddings_as_one() -> None:
    one, two = load_encoder("embedded"), load_encoder("embedded", device="cpu,cpu")
    assert isinstance(two, SeveralEncoders)
    assert two.name == one.name
    assert np.array_equal(one.encode(TILES), two.encode(TILES))


def test_all_is_one_encoder_where_there_is_no_gpu() -> None:
    assert not isinstance(load_encoder("embedded", device="all"), SeveralEncoders)


@pytest.mark.parametrize("device", ["cpu,", ",", "cpu,,cpu"])
def test_an_empty_name_between_commas_is_refused(device: str) -> None:
    with pytest.raises(ConfigError, match="empty name between commas"):
        load_encoder("embedded", device=device)


def test_a_device_that_an_encoder_cannot_use_is_refused_among_others() -> None:
    with pytest.raises(ConfigError, match="cuda:0"):
        load_encoder("embedded", device="cpu,cuda:0")


class Meeting:
    """An encoder that waits until as many calls as there are encoders are at work, and knows no patches."""

    name = "meeting"

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier
        self._alone = threading.Lock()

    def encode(self, tiles: Any) -> Any:
        assert self._alone.acquire(blocking=False), "it was given a call while it had another"
        try:
            self._barrier.wait(timeout=60)
            return np.ones((len(tiles), 2), np.float32)
        finally:
            self._alone.release()


def test_each_device_has_one_call_and_all_have_theirs_at_the_same_time() -> None:
    barrier = threading.Barrier(3)
    several = SeveralEncoders([Meeting(barrier) for _ in range(3)])
    assert several.batches_under_way == 3
    assert not hasattr(several, "encode_patches")
    with ThreadPoolExecutor(9) as threads:
        assert len(list(threads.map(several.encode, [TILES] * 9))) == 9


def test_a_failing_call_gives_its_device_back() -> None:
    barrier = threading.Barrier(1)
    several = SeveralEncoders([Meeting(barrier)])
    for _ in range(2):
        with pytest.raises(TypeError):
            several.encode(None)  # type: ignore[arg-type]
    assert len(several.encode(TILES)) == 3


def test_a_reward_on_two_devices_scores_as_on_one() -> None:
    target = Image.new("RGB", (300, 200), "white")
    requests = [
        RewardRequest(f"```svg\n{SVG.format(1 + number / 9)}\n```", target, language="svg") for number in range(12)
    ]
    scores = []
    for device in ("cpu", "cpu,cpu"):
        with VisualReward("embedded", device=device, workers=2) as reward:
            scores.append([result.overall for result in reward.score(requests)])
    assert scores[0] == scores[1]


def test_the_reward_of_a_node_takes_every_gpu_unless_it_is_told() -> None:
    assert NodeReward({"encoder": "embedded"}).config.encoder.device == "all"
    assert NodeReward({"encoder": "embedded", "device": "cpu"}).config.encoder.device == "cpu"
