"""Networks that torch compiles: batches of few sizes, the same embeddings, and a clear error where nothing compiles."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needed import needs
from small_dinov2 import save_dinov2

from vincicoder.errors import ConfigError, EncoderError
from vincicoder.similarity import TILE, load_encoder
from vincicoder.similarity.encoders._torch import TorchEncoder

needs("torch")
pytestmark = pytest.mark.dinov2


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("dinov2")
    save_dinov2(found)
    return found


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    import torch._dynamo

    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def tiles(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(7).integers(0, 256, (count, TILE, TILE, 3), np.uint8)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace the network as for a compiler, and run it as it is: what would be compiled is what takes the time."""
    import torch

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))


@pytest.mark.parametrize(
    ("count", "sizes"), [(16, [16]), (21, [16, 4, 1]), (7, [4, 4]), (14, [16]), (37, [16, 16, 4, 1]), (2, [1, 1])]
)
def test_batches_have_one_of_three_sizes(count: int, sizes: list[int], traced: None) -> None:
    import torch

    seen = []

    def mean(pixels: Any) -> Any:
        return pixels.mean(dim=(2, 3))

    def counted(pixels: Any) -> Any:
        seen.append(len(pixels))
        return compiled(pixels)

    batch = tiles(count)
    encoder = TorchEncoder("small", mean, torch.device("cpu"), torch.float32, 16)
    expected = encoder.encode(batch)
    encoder.compile()
    compiled, encoder._forward = encoder._forward, counted
    got = encoder.encode(batch)
    assert seen == sizes
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_where_memory_is_short_only_sizes_that_fit_are_used(traced: None) -> None:
    import torch

    seen = []

    def mean(pixels: Any) -> Any:
        if len(pixels) > 6:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        seen.append(len(pixels))
        return pixels.mean(dim=(2, 3))

    encoder = TorchEncoder("small", mean, torch.device("cpu"), torch.float32, 16)
    encoder.compile()
    encoder._forward = mean
    encoder.encode(tiles(9))
    encoder.encode(tiles(9))
    assert seen == [4, 4, 1, 4, 4, 1]


def test_an_error_of_the_network_is_raised_as_it_is(traced: None) -> None:
    import torch

    def fails(_: Any) -> Any:
        raise RuntimeError("shapes do not match")

    encoder = TorchEncoder("small", fails, torch.device("cpu"), torch.float32, 16)
    with pytest.raises(RuntimeError, match="shapes do not match") as caught:
        encoder.encode(tiles(1))
    assert caught.value.__cause__ is None


def test_tokens_are_those_of_the_network_as_it_is(directory: Path, traced: None) -> None:
    batch = tiles(3)
    plain, compiled = (load_encoder(str(directory), batch_tiles=4, compiled=each) for each in (False, True))
    np.testing.assert_allclose(compiled.encode(batch), plain.encode(batch), atol=1e-4)
    np.testing.assert_allclose(compiled.encode_patches(batch), plain.encode_patches(batch), atol=1e-4)


@pytest.mark.slow
def test_what_torch_compiles_yields_the_same_embeddings(directory: Path) -> None:
    batch = tiles(5)
    expected = load_encoder(str(directory), device="cpu", batch_tiles=4).encode(batch)
    got = load_encoder(str(directory), device="cpu", batch_tiles=4, compiled=True).encode(batch)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_without_a_compiler_the_error_says_what_is_missing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.config as inductor

    monkeypatch.setattr(inductor.cpp, "cxx", ("/nowhere/g++",))
    monkeypatch.setattr(inductor, "force_disable_caches", True)
    encoder = load_encoder(str(directory), device="cpu", compiled=True)
    with pytest.raises(EncoderError, match=r"cannot be compiled: .*C\+\+ compiler.*leave out compile_encoder"):
        encoder.encode(tiles(1))


@pytest.mark.parametrize("name", ["embedded", "strokes"])
def test_an_encoder_without_a_network_says_that_nothing_can_be_compiled(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name!r} has no network"):
        load_encoder(name, compiled=True)
