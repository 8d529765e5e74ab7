from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import measured
import numpy as np
import paper_reward
import pytest
import repository
from needed import needs
from PIL import Image, ImageDraw
from small_dinov2 import save_dinov2

from vincicoder import registry
from vincicoder.cli import main
from vincicoder.errors import ConfigError, EncoderError
from vincicoder.reward import RewardRequest, VisualReward
from vincicoder.similarity import TILE, Similarity, load_encoder
from vincicoder.similarity.encoders import dinov2

torch = needs("torch")
transformers = needs("transformers")
pytestmark = pytest.mark.dinov2

SIZES = [
    *[(1, 1), (2, 1), (1, 7), (13, 1), (1, 500), (448, 448), (449, 447), (640, 480), (700, 1000)],
    *[(1000, 400), (1280, 720), (1750, 500), (951, 951), (333, 1010), (4000, 300), (300, 4000)],
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_dinov2(tmp_path_factory.mktemp("dinov2"))


def sample_image(size: tuple[int, int], seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.fromarray(np.kron(rng.integers(0, 256, (5, 7, 3)), np.ones((9, 9, 1))).astype(np.uint8))
    image = image.resize(size)
    ImageDraw.Draw(image).ellipse([0.2 * size[0], 0.1 * size[1], 0.7 * size[0], 0.6 * size[1]], fill="red")
    return image


@pytest.fixture(scope="module")
def oracle(directory: Path) -> paper_reward.Embed:
    """The reward's definition once more, as plainly as it can be written. Nothing of it comes from the package."""
    return paper_reward.dinov2(str(directory))


def tiles(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.stack([np.asarray(sample_image((TILE, TILE), seed)) for seed in range(count)])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_visual_is_the_plain_definition_of_the_reward(
    directory: Path, oracle: paper_reward.Embed, size: tuple[int, int]
) -> None:
    target, render = sample_image(size, 1), sample_image((max(1, size[0] // 2), max(1, size[1] - 3)), 2)
    similarity = Similarity(load_encoder(str(directory), device="cpu", dtype="float32"))
    [result] = similarity.compare([similarity.prepare(target, render, "t")])
    assert result.visual() == pytest.approx(paper_reward.similarities(target, render, oracle).mean(), abs=1e-6)


def test_overall_is_the_plain_definition_of_the_reward(directory: Path, oracle: paper_reward.Embed) -> None:
    """On every icon of the sample set, whatever became of its responses."""
    found = [
        (reference.parent, response.read_text())
        for reference in sorted((repository.ROOT / "examples/samples/svg").glob("*/reference.svg"))[:6]
        for response in sorted((reference.parent / "responses").glob("*.md"))
        if response.stem in ("perfect", "slight", "bad", "no_code", "wrong_language", "truncated")
    ]
    requests = [RewardRequest(text, sample / "target.png", language="svg") for sample, text in found]
    with VisualReward(str(directory), device="cpu", dtype="float32", workers=1) as reward:
        results = reward.score(requests)
    expected = [
        paper_reward.reward(text, "svg", Image.open(sample / "target.png"), result.render, oracle)
        for (sample, text), result in zip(found, results, strict=True)
    ]
    assert len({result.status for result in results}) > 1
    assert [result.overall for result in results] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("architecture", ["Dinov2Model", "Dinov2WithRegistersModel"])
def test_patch_tokens_are_those_of_the_network_and_reach_components(tmp_path: Path, architecture: str) -> None:
    save_dinov2(tmp_path, architecture)
    encoder = load_encoder(str(tmp_path), device="cpu")
    tokens = encoder.encode_patches(tiles(2))
    assert tokens.shape == (2, (TILE // 14) ** 2, 32)
    target = sample_image((300, 200), 1)
    similarity = Similarity(encoder)
    assert np.array_equal(
        similarity.patch_tokens(target)[0],
        encoder.encode_patches(np.asarray(similarity.prepare(target, target, "t").render))[0],
    )
    before = registry.exported()
    measured.adopt()
    try:
        with VisualReward(encoder, workers=1, components={"tokens": 1}) as reward:
            code = (
                "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='200'><rect width='99' height='99'/></svg>"
            )
            [result] = reward.score([RewardRequest(f"```svg\n{code}\n```", target, language="svg")])
    finally:
        registry.adopt(before)
    assert 0 < result.scores["tokens"] < 1, result.message


def test_the_small_network_tells_images_apart(directory: Path) -> None:
    embeddings = load_encoder(str(directory)).encode(tiles(4)).astype(np.float64)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    cosines = embeddings @ embeddings.T
    assert cosines[~np.eye(4, dtype=bool)].max() < 0.999


@pytest.mark.parametrize(
    "architecture",
    [
        "Dinov2Model",
        "Dinov2ForImageClassification",
        "Dinov2WithRegistersModel",
        "Dinov2WithRegistersForImageClassification",
    ],
)
def test_the_embedding_is_the_class_token_before_the_final_norm(tmp_path: Path, architecture: str) -> None:
    save_dinov2(tmp_path, architecture)
    model = getattr(transformers, architecture).from_pretrained(tmp_path).eval()
    batch = tiles(3)
    pixels = torch.tensor(batch).permute(0, 3, 1, 2).float() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        output = model((pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1), output_hidden_states=True)
    expected = output.hidden_states[-1][:, 0].numpy()
    embeddings = load_encoder(str(tmp_path)).encode(batch)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, atol=1e-4)


def test_the_size_of_the_batch_changes_nothing_but_the_memory(directory: Path) -> None:
    batch = tiles(7)
    expected = load_encoder(str(directory)).encode(batch)
    for batch_tiles in (1, 3, 7):
        got = load_encoder(str(directory), batch_tiles=batch_tiles).encode(batch)
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_no_more_tiles_than_allowed_go_through_the_network_at_once(directory: Path) -> None:
    encoder = load_encoder(str(directory), batch_tiles=3)
    sizes = []
    first = encoder._first  # type: ignore[attr-defined]
    encoder._first = lambda pixels: (sizes.append(len(pixels)), first(pixels))[1]  # type: ignore[attr-defined]
    encoder.encode(tiles(7))
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize("architecture", ["Dinov2Model", "Dinov2WithRegistersModel"])
def test_the_class_token_alone_is_that_of_the_whole_network(tmp_path: Path, architecture: str) -> None:
    save_dinov2(tmp_path, architecture)
    encoder = load_encoder(str(tmp_path), device="cpu", dtype="float32")
    assert encoder._first is not encoder._forward  # type: ignore[attr-defined]
    alone = encoder.encode(tiles(3))
    encoder._first = encoder._forward  # type: ignore[attr-defined]
    whole = encoder.encode(tiles(3))
    assert np.abs(alone - whole).max() <= 1e-6 * np.abs(whole).max()


def test_a_layer_of_other_parts_is_computed_whole(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_encoder(str(directory), device="cpu").encode(tiles(2))
    monkeypatch.setattr(dinov2, "_PARTS", "norm1 something_new")
    encoder = load_encoder(str(directory), device="cpu")
    assert encoder._first is encoder._forward  # type: ignore[attr-defined]
    np.testing.assert_allclose(encoder.encode(tiles(2)), expected, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["Dinov2Model", "Dinov2WithRegistersModel"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_positions_interpolated_once_are_the_same_to_the_bit(
    tmp_path: Path, architecture: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_dinov2(tmp_path, architecture)
    once = load_encoder(str(tmp_path), device="cpu", dtype=dtype).encode(tiles(2))
    monkeypatch.setattr(dinov2, "_fix_positions", lambda model: None)
    assert np.array_equal(once, load_encoder(str(tmp_path), device="cpu", dtype=dtype).encode(tiles(2)))


@pytest.mark.parametrize("dtype", [pytest.param("float16", marks=pytest.mark.slow), "bfloat16"])
def test_half_precision_changes_visual_by_less_than_two_thousandths(directory: Path, dtype: str) -> None:
    pairs = [(sample_image((640, 480), seed), sample_image((500, 500), seed + 9)) for seed in range(4)]
    pairs += [(target, target.rotate(2)) for target, _ in pairs]
    visual = []
    for each in ("float32", dtype):
        similarity = Similarity(load_encoder(str(directory), device="cpu", dtype=each))
        prepared = [similarity.prepare(target, render, str(n)) for n, (target, render) in enumerate(pairs)]
        visual.append([result.visual() for result in similarity.compare(prepared)])
    assert np.abs(np.subtract(*visual)).max() < 2e-3
    assert np.array_equal(np.argsort(visual[0]), np.argsort(visual[1]))


@pytest.mark.parametrize("dtype", ["float16", "half", "bfloat16", "bf16"])
def test_half_precision_stays_close(directory: Path, dtype: str) -> None:
    exact, rounded = (load_encoder(str(directory), dtype=each).encode(tiles(2)) for each in ("float32", dtype))
    assert rounded.dtype == np.float32
    cosine = (exact * rounded).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rounded, axis=1)
    assert cosine.min() > 0.99


def test_numbers_too_large_for_the_precision_are_an_error_and_not_a_reward(tmp_path: Path) -> None:
    save_dinov2(tmp_path)
    model = transformers.Dinov2Model.from_pretrained(tmp_path)
    with torch.no_grad():
        model.embeddings.cls_token.fill_(60000.0)
        model.embeddings.position_embeddings.fill_(60000.0)
    model.save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match=r"float16.*dtype='bfloat16'"):
        load_encoder(str(tmp_path), dtype="float16").encode(tiles(1))


def test_tiles_that_cannot_be_written_to_are_embedded_without_a_warning(
    directory: Path, recwarn: pytest.WarningsRecorder
) -> None:
    batch = tiles(1)
    batch.flags.writeable = False
    load_encoder(str(directory)).encode(batch)
    assert not [warning for warning in recwarn if "writ" in str(warning.message)]


def test_a_directory_may_be_named_from_here_or_from_home(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_encoder(str(directory)).encode(tiles(1))
    monkeypatch.chdir(directory.parent)
    monkeypatch.setenv("HOME", str(directory.parent))
    for name in (directory.name, f"./{directory.name}", f"~/{directory.name}"):
        encoder = load_encoder(name)
        assert encoder.name == name
        assert np.array_equal(encoder.encode(tiles(1)), expected)


@pytest.mark.parametrize("name", ["/nowhere/dinov2-large", "./dinov2-large", "~/no/dinov2", "not/a/hub/id"])
def test_weights_that_are_not_there_are_an_error_that_says_how_to_get_them(name: str) -> None:
    with pytest.raises(EncoderError) as error:
        load_encoder(name)
    for words in (
        repr(name),
        "hf download facebook/dinov2-large",
        "modelscope download",
        "encoder='embedded'",
    ):
        assert words in str(error.value)


def test_a_directory_without_weights_is_an_error(directory: Path, tmp_path: Path) -> None:
    shutil.copy(directory / "config.json", tmp_path)
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_encoder(str(tmp_path))


def test_a_directory_without_a_configuration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"has no config\.json"):
        load_encoder(str(tmp_path))


def test_a_checkpoint_with_missing_weights_is_an_error_and_not_filled_up_at_random(
    directory: Path, tmp_path: Path
) -> None:
    shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    config["num_hidden_layers"] = 3
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=r"lacks \d+ weights"):
        load_encoder(str(tmp_path))


def test_another_network_is_refused_by_its_type(tmp_path: Path) -> None:
    config = transformers.ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2)
    transformers.ViTModel(config).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match=r"type 'vit'.*dinov2"):
        load_encoder(str(tmp_path))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "gpu"}, ["device='gpu'", "'cuda'"]),
        ({"device": "cuda:99"}, ["device='cuda:99'", "'cpu'"]),
        ({"dtype": "float8"}, ["dtype='float8'", "float16"]),
        ({"batch_tiles": 0}, ["batch_tiles=0", "at least 1"]),
    ],
)
def test_an_option_that_cannot_work_is_refused_by_name(
    directory: Path, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as error:
        load_encoder(str(directory), **options)
    for word in words:
        assert word in str(error.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_default_precision_stays_close_to_the_cpu(directory: Path) -> None:
    exact = load_encoder(str(directory), device="cpu").encode(tiles(40))
    for options in ({}, {"device": "cuda:0", "dtype": "float32"}):
        got = load_encoder(str(directory), batch_tiles=16, **options).encode(tiles(40))
        cosine = (exact * got).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(got, axis=1)
        assert cosine.min() > 0.99


def test_fidelity_is_measured_with_it_by_one_command(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The command of docs/fidelity.md, with a directory in place of the hub's name, and on one snippet.
    command = ["fidelity", "snippets", "--encoder", str(directory), "--preset", "paper", "--compare", "robust"]
    assert main([*command, "--languages", "svg", "--limit", "1", "--workers", "1"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"encoder {directory}")
    for line in ("preset paper", "preset robust", "robust more than paper", "hacks_without_raster"):
        assert line in told
    first = told[: told.index("kind of damage")].splitlines()  # the table of the preset paper
    means = {line.split()[0]: float(line.split()[1]) for line in first if line.startswith(("perfect", "unrelated"))}
    assert means["perfect"] == pytest.approx(1, abs=1e-3)
    assert means["unrelated"] < means["perfect"]
