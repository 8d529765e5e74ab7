"""A device whose memory is short: batches shrink, embeddings stay, and what cannot be done is an error, never a 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from vincicoder.errors import EncoderError
from vincicoder.reward import RewardRequest, VisualReward
from vincicoder.similarity import TILE
from vincicoder.similarity.encoders._torch import TokenEncoder

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.dinov2

PATCH = 56


class SmallDevice:
    """A real network of one layer on a device that holds ``room`` tiles at a time, as far as it says."""

    def __init__(self, room: int, message: str = "CUDA out of memory. Tried to allocate 2.00 GiB.") -> None:
        torch.manual_seed(0)
        self.layer = torch.nn.Conv2d(3, 16, PATCH, PATCH)
        self.room = room
        self.message = message
        self.sizes: list[int] = []

    def __call__(self, pixels: Any) -> Any:
        if len(pixels) > self.room:
            raise (
                torch.cuda.OutOfMemoryError(self.message) if "CUDA out" in self.message else RuntimeError(self.message)
            )
        self.sizes.append(len(pixels))
        patches = self.layer(pixels).flatten(2).transpose(1, 2)
        return torch.cat([patches.mean(dim=1, keepdim=True), patches], dim=1)


def encoder_on(device: SmallDevice, batch_tiles: int = 8) -> TokenEncoder:
    return TokenEncoder("small", device, 1, torch.device("cpu"), torch.float32, batch_tiles)


def tiles(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(7).integers(0, 256, (count, TILE, TILE, 3), np.uint8)


@pytest.mark.parametrize(
    ("room", "sizes", "message"),
    [
        (8, [8, 1], "CUDA out of memory."),
        (3, [2, 2, 2, 2, 1], "CUDA out of memory."),
        (3, [2, 2, 2, 2, 1], "CUDA error: out of memory"),
        (1, [1] * 9, "CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
    ],
)
def test_batches_are_halved_and_the_embeddings_stay(room: int, sizes: list[int], message: str) -> None:
    device = SmallDevice(room, message)
    given = tiles(9)
    ample = encoder_on(SmallDevice(8))
    encoder = encoder_on(device)
    assert np.allclose(encoder.encode(given), ample.encode(given), rtol=0, atol=1e-6)
    assert device.sizes == sizes
    assert np.allclose(encoder.encode_patches(given), ample.encode_patches(given), rtol=0, atol=1e-6)


def test_batches_grow_again_when_there_is_room() -> None:
    device = SmallDevice(2)
    encoder = encoder_on(device)
    encoder.encode(tiles(2))
    encoder.encode(tiles(8))
    device.room = 8
    for _ in range(2):
        device.sizes.clear()
        encoder.encode(tiles(8))
    assert device.sizes == [8]


def test_too_little_for_one_tile_is_an_error_that_says_so_and_passes() -> None:
    device = SmallDevice(0)
    encoder = encoder_on(device)
    with pytest.raises(EncoderError, match=r"no memory for a single tile on cpu: CUDA out of memory.*rollout engine"):
        encoder.encode(tiles(3))
    device.room = 16
    assert encoder.encode(tiles(3)).shape == (3, 16)


def test_other_errors_of_the_network_are_not_taken_for_it() -> None:
    device = SmallDevice(0, "mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        encoder_on(device).encode(tiles(3))


def test_a_reward_beside_a_trainer_that_took_the_memory_is_the_same() -> None:
    code = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="{}"/></svg>'
    target = Image.new("RGB", (900, 900), "white")
    requests = [RewardRequest(f"```svg\n{code.format(radius)}\n```", target, language="svg") for radius in (1, 2, 3)]
    rewards = []
    for device in (SmallDevice(64), SmallDevice(1)):
        with VisualReward(encoder_on(device, 64), workers=1) as reward:
            rewards.append([result.overall for result in reward.score(requests)])
    assert rewards[1] == pytest.approx(rewards[0], abs=1e-6)
    assert all(rewards[0])
