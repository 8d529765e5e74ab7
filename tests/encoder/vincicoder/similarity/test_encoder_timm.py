from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needed import needs
from PIL import Image

from vincicoder.errors import ConfigError, EncoderError
from vincicoder.similarity import TILE, load_encoder

torch = needs("torch")
transformers = needs("transformers")
needs("timm")
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


@pytest.mark.parametrize("name", ["timm:resnet18", "timm:vit_colossal_patch14_dinov2"])
def test_a_network_that_is_no_dinov2_of_timm_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(EncoderError, match="vit_large_patch14_dinov2"):
        load_encoder(name)


@pytest.mark.parametrize("name", ["timm", "timm:", "timm:@weights.pth"])
def test_a_name_without_a_network_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="timm:NAME@CHECKPOINT"):
        load_encoder(name)
