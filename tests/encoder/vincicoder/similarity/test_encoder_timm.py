from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needed import needs
from PIL import Image

from vincicoder.errors import ConfigError, EncoderError
from vincicoder.similarity import TILE, Similarity, load_encoder

torch = needs("torch")
transformers = needs("transformers")
timm = needs("timm")
pytestmark = pytest.mark.dinov2

# From the names of transformers to those of the original DINOv2 release, which timm reads too.
RENAMED = [
    ("embeddings.patch_embeddings.projection.", "patch_embed.proj."),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.", ""),
    ("encoder.layer.", "blocks."),
    ("layers.", "blocks."),
    ("attention.output.dense.", "attn.proj."),
    ("attention.o_proj.", "attn.proj."),
    ("layer_scale1.lambda1", "ls1.gamma"),
    ("layer_scale2.lambda1", "ls2.gamma"),
    ("layernorm.", "norm."),
]
QUERY_KEY_VALUE = [("query", "key", "value"), ("q_proj", "k_proj", "v_proj")]


def original_layout(state: dict[str, Any]) -> dict[str, Any]:
    renamed = {}
    for name, weight in state.items():
        for old, new in RENAMED:
            name = name.replace(old, new, 1) if name.startswith(old) or old in name else name
        renamed[name] = weight.clone()
    for names in QUERY_KEY_VALUE:
        for name in [each for each in renamed if f".{names[0]}." in each]:
            block, end = name.split(".attention.")[0], name.rsplit(".", 1)[1]
            parts = [renamed.pop(name.replace(names[0], each)) for each in names]
            renamed[f"{block}.attn.qkv.{end}"] = torch.cat(parts)
    return renamed


def save_twins(directory: Path, registers: bool) -> tuple[Path, Path]:
    """Save one random ViT-S/14 for transformers and, in the original layout, for timm."""
    torch.manual_seed(0)
    kind = "Dinov2WithRegisters" if registers else "Dinov2"
    config = getattr(transformers, f"{kind}Config")(
        hidden_size=384, num_attention_heads=6, patch_size=14, image_size=518
    )
    model = getattr(transformers, f"{kind}Model")(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        model.embeddings.position_embeddings.add_(torch.randn_like(model.embeddings.position_embeddings))
    model.save_pretrained(directory / "hf")
    torch.save(original_layout(model.state_dict()), directory / "original.pth")
    return directory / "hf", directory / "original.pth"


def random_network(directory: Path, network: str) -> tuple[Any, Path]:
    """Return one of timm's tiny networks with random weights, and the file that it is saved to."""
    torch.manual_seed(0)
    model = timm.create_model(network, num_classes=0).eval()
    torch.save(model.state_dict(), directory / "random.pth")
    return model, directory / "random.pth"


@pytest.mark.parametrize(
    ("network", "registers"), [("vit_small_patch14_dinov2", False), ("vit_small_patch14_reg4_dinov2", True)]
)
def test_timm_and_transformers_give_the_same_embedding(tmp_path: Path, network: str, registers: bool) -> None:
    directory, checkpoint = save_twins(tmp_path, registers)
    rng = np.random.default_rng(0)
    rough = Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    tiles = np.stack([np.asarray(rough.resize((TILE, TILE))), np.full((TILE, TILE, 3), 255, np.uint8)])
    expected = load_encoder(str(directory), device="cpu").encode(tiles)
    encoder = load_encoder(f"timm:{network}@{checkpoint}", device="cpu")
    assert encoder.name == f"timm:{network}@{checkpoint}"
    got = encoder.encode(tiles)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_checkpoint_that_is_not_there_is_an_error_that_says_how_to_get_one() -> None:
    with pytest.raises(EncoderError) as error:
        load_encoder("timm:vit_small_patch14_dinov2@/nowhere/model.safetensors")
    for words in ("/nowhere/model.safetensors", "hf download timm/", "encoder='embedded'"):
        assert words in str(error.value)


def test_a_checkpoint_of_another_network_is_an_error(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_encoder(f"timm:vit_small_patch14_dinov2@{tmp_path / 'other.pth'}")


@pytest.mark.parametrize("network", ["test_vit", "test_resnet", "test_efficientnet", "test_convnext", "test_maxvit"])
def test_any_network_embeds_tiles_as_timm_itself_would(tmp_path: Path, network: str) -> None:
    model, checkpoint = random_network(tmp_path, network)
    encoder = load_encoder(f"timm:{network}@{checkpoint}", device="cpu", batch_tiles=2)
    tiles = np.random.default_rng(0).integers(0, 256, (3, TILE, TILE, 3), dtype=np.uint8)
    tiles[1] = 255
    wanted = timm.data.resolve_model_data_config(model)
    pixels = torch.from_numpy(tiles).permute(0, 3, 1, 2) / 255
    sides = wanted["input_size"][1:]
    pixels = torch.nn.functional.interpolate(pixels, sides, mode=wanted["interpolation"], antialias=True)
    pixels = (pixels - torch.tensor(wanted["mean"])[:, None, None]) / torch.tensor(wanted["std"])[:, None, None]
    with torch.inference_mode():
        expected = model(pixels).numpy()
    found = encoder.encode(tiles)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(found[0] - found[1]).max() > 1e-3


def test_a_network_without_patch_tokens_says_so_before_anything_is_scored(tmp_path: Path) -> None:
    _, checkpoint = random_network(tmp_path, "test_resnet")
    similarity = Similarity(load_encoder(f"timm:test_resnet@{checkpoint}", device="cpu"))
    with pytest.raises(ConfigError, match="yields no patch tokens"):
        similarity.require_patch_tokens()


def test_a_network_that_yields_no_single_vector_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, checkpoint = random_network(tmp_path, "test_resnet")
    created = timm.create_model
    monkeypatch.setattr("timm.create_model", lambda *names, **options: created(*names, **options, global_pool=""))
    with pytest.raises(EncoderError, match=r"shape \(1, \d+, \d+, \d+\) for one tile.* such as a ViT"):
        load_encoder(f"timm:test_resnet@{checkpoint}", device="cpu")


@pytest.mark.parametrize(
    ("name", "near"), [("timm:vit_larg_patch14_dinov2", "vit_large_patch14_dinov2"), ("timm:resnet19", "resnet18")]
)
def test_a_network_that_timm_does_not_have_is_answered_by_those_that_come_nearest(name: str, near: str) -> None:
    with pytest.raises(EncoderError, match=f"come nearest: .*{near}"):
        load_encoder(name)


@pytest.mark.parametrize("name", ["timm", "timm:", "timm:@weights.pth"])
def test_a_name_without_a_network_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="timm:NAME@CHECKPOINT"):
        load_encoder(name)
