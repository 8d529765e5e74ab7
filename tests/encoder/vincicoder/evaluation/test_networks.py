"""LPIPS and CLIP on tiny or random weights: the arithmetic holds; what real weights give is not verified here."""

from __future__ import annotations

import numpy as np
import pytest
from needed import needs
from PIL import Image
from tiny_benchmarks import unisvg

from vincicoder.evaluation import evaluate
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.metrics import METRICS, _networks, clip, design2code_clip, lpips
from vincicoder.evaluation.metrics._recoloured import Block
from vincicoder.rendering import Render
from vincicoder.status import Status

torch = needs("torch")

SHAPES = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
"""Of AlexNet's convolutions, by their number in torchvision's."""


def here(function, *arguments):
    return function(*arguments)


def noise(seed: int, side: int = 64):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A directory with random weights in the form of the real files."""
    directory = tmp_path_factory.mktemp("lpips")
    torch.manual_seed(0)
    features = {f"features.{number}.weight": torch.randn(shape) * 0.03 for number, shape in SHAPES.items()}
    features |= {f"features.{number}.bias": torch.randn(shape[0]) for number, shape in SHAPES.items()}
    torch.save(features, directory / "alexnet-owt-7be5be79.pth")
    linear = {f"lin{index}.model.1.weight": torch.rand(1, each[0], 1, 1) for index, each in enumerate(SHAPES.values())}
    torch.save(linear, directory / "alex.pth")
    return directory


@pytest.fixture
def with_weights(weights, monkeypatch):
    monkeypatch.setenv(_networks.LPIPS_DIRECTORY, str(weights))


def test_lpips_is_0_for_equal_images_and_grows_with_the_difference(with_weights):
    assert METRICS.get("lpips").unavailable() == ""
    first = noise(0)
    near = np.clip(first.astype(int) + 5, 0, 255).astype(np.uint8)
    distances = [lpips.measure(*map(Image.fromarray, (first, each)), here)["lpips"] for each in (first, near, noise(1))]
    assert distances[0] == 0.0 < distances[1] < distances[2]


def test_lpips_is_the_weighted_mean_of_squared_differences_of_unit_features(weights):
    features, linear = (torch.load(weights / name) for name in ("alexnet-owt-7be5be79.pth", "alex.pth"))
    first, second = noise(2), noise(3)
    values = torch.from_numpy(np.stack((first, second))).permute(0, 3, 1, 2).float() / 127.5 - 1
    shift, scale = torch.tensor([-0.03, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.45])
    values = (values - shift[:, None, None]) / scale[:, None, None]
    expected = 0.0
    for index, (number, stride, padding, pooled) in enumerate(
        ((0, 4, 2, False), (3, 1, 2, True), (6, 1, 1, True), (8, 1, 1, False), (10, 1, 1, False))
    ):
        values = torch.nn.functional.max_pool2d(values, 3, 2) if pooled else values
        weight, bias = features[f"features.{number}.weight"], features[f"features.{number}.bias"]
        values = torch.nn.functional.conv2d(values, weight, bias, stride, padding).relu()
        unit = torch.nn.functional.normalize(values, dim=1, eps=1e-10)
        squares = (unit[0] - unit[1]) ** 2 * linear[f"lin{index}.model.1.weight"][0]
        expected += squares.sum(0).mean().item()
    assert _networks.Lpips(features, linear).distance(first, second) == pytest.approx(expected, rel=1e-5)


def test_images_of_other_sizes_are_as_far_as_can_be(with_weights):
    assert lpips.measure(Image.new("RGB", (64, 64)), Image.new("RGB", (64, 65)), here) == {"lpips": 1.0}


def test_without_weights_a_metric_says_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setenv(_networks.LPIPS_DIRECTORY, str(tmp_path))
    assert (
        METRICS.get("lpips")
        .unavailable()
        .startswith(f"needs {tmp_path}/alexnet-owt-7be5be79.pth and {tmp_path}/alex.pth")
    )
    assert _networks.clip_unavailable("nobody/no-such-model") == (
        "needs the weights of nobody/no-such-model: hf download nobody/no-such-model"
    )


def test_no_other_metric_of_a_benchmark_depends_on_weights():
    needing = {name for name in METRICS if METRICS.get(name).unavailable().startswith("needs the weights")} | {"lpips"}
    assert needing <= {"clip", "design2code_clip", "lpips"}
    for name in BENCHMARKS:
        assert set(BENCHMARKS.get(name).metrics) - needing


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory):
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    directory = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPVisionConfig(image_size=32, patch_size=8, projection_dim=8, **size)
    CLIPVisionModelWithProjection(config).save_pretrained(directory)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(directory)
    return str(directory)


def test_clip_is_1_for_equal_images_and_less_for_others(tiny_clip, monkeypatch):
    monkeypatch.setattr(clip, "_MODEL", tiny_clip)
    assert METRICS.get("clip").unavailable() == ""
    first, second = Image.fromarray(noise(4)), Image.fromarray(noise(5))
    assert clip.measure(first, first.copy(), here)["clip"] == pytest.approx(1)
    assert clip.measure(first, second, here)["clip"] < 1
    assert clip.measure(first, Image.new("RGB", (9, 9)), here) == {"clip": 0.0}


def test_pages_are_compared_without_their_text(tiny_clip, monkeypatch):
    monkeypatch.setattr(design2code_clip, "_MODEL", tiny_clip)
    page = Image.new("RGB", (80, 60), "white")
    written = page.copy()
    written.paste("black", (20, 15, 40, 30))
    block = Block("text", (0.25, 0.25, 0.25, 0.25), (0, 0, 0))
    assert np.asarray(design2code_clip.without_text(written, [block])).min() == 255
    assert design2code_clip.without_text(written, [block]).size == (60, 60)

    def run(code: str, language: str) -> Render:
        return Render(Status.OK, page)

    prepared = design2code_clip.prepare("<p>a", run)
    assert design2code_clip.measure("<p>b", run, here, page, prepared)["clip"] == pytest.approx(1)


def test_weights_are_loaded_by_the_process_that_scores_and_not_by_its_workers(with_weights, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _networks._lpips.cache_clear()
    unisvg(tmp_path / "data", 1)
    [sample] = BENCHMARKS.get("unisvg").load(tmp_path / "data")
    given = evaluate("unisvg", {sample.id: sample.reference}, tmp_path / "data", without=["clip"], workers=1)
    assert given.rows[0]["values"] == {"execution": 1.0, "ssim": 1.0, "lpips": 0.0}
    assert _networks._lpips.cache_info().currsize == 1


@pytest.mark.parametrize(
    ("there", "complete"),
    [
        (("config.json", "preprocessor_config.json"), False),
        (("config.json", "preprocessor_config.json", "pytorch_model.bin"), True),
        (("config.json", "model.safetensors"), False),
    ],
)
def test_a_model_that_is_only_partly_in_the_cache_is_not_there(there, complete, monkeypatch):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda model, name: name if name in there else None)
    assert (_networks.clip_unavailable("some/model") == "") is complete
