"""A tiny DINOv2 whose weights are the same on every machine and under every version of torch and transformers.

It is written as the files of a checkpoint, with the names that the public checkpoints have and that transformers will
always have to read. NumPy's ``RandomState`` gives the weights; its numbers are frozen, other generators' are not.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_WIDTH, _LAYERS, _HEADS, _PATCH, _SIZE, _RATIO = 32, 2, 2, 14, 70, 2
_CONFIG = {
    "model_type": "dinov2",
    "architectures": ["Dinov2Model"],
    "hidden_size": _WIDTH,
    "num_hidden_layers": _LAYERS,
    "num_attention_heads": _HEADS,
    "mlp_ratio": _RATIO,
    "patch_size": _PATCH,
    "image_size": _SIZE,
    "num_channels": 3,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "qkv_bias": True,
    "layerscale_value": 1.0,
    "use_swiglu_ffn": False,
}


def save_dinov2(directory: Path) -> Path:
    """Write the checkpoint into a directory and return the directory."""
    from safetensors.numpy import save_file

    weights = {name: _values(name, shape) for name, shape in _shapes()}
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(_CONFIG), encoding="utf-8")
    return directory


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "embeddings.cls_token", (1, 1, _WIDTH)
    yield "embeddings.mask_token", (1, _WIDTH)
    yield "embeddings.position_embeddings", (1, (_SIZE // _PATCH) ** 2 + 1, _WIDTH)
    yield "embeddings.patch_embeddings.projection.weight", (_WIDTH, 3, _PATCH, _PATCH)
    yield "embeddings.patch_embeddings.projection.bias", (_WIDTH,)
    square, wide = (_WIDTH, _WIDTH), _WIDTH * _RATIO
    for layer in (f"encoder.layer.{index}" for index in range(_LAYERS)):
        linear = {f"attention.attention.{name}": square for name in ("query", "key", "value")}
        linear |= {"attention.output.dense": square, "mlp.fc1": (wide, _WIDTH), "mlp.fc2": (_WIDTH, wide)}
        for name, shape in linear.items():
            yield f"{layer}.{name}.weight", shape
            yield f"{layer}.{name}.bias", shape[:1]
        for norm in ("norm1", "norm2"):
            yield f"{layer}.{norm}.weight", (_WIDTH,)
            yield f"{layer}.{norm}.bias", (_WIDTH,)
        yield f"{layer}.layer_scale1.lambda1", (_WIDTH,)
        yield f"{layer}.layer_scale2.lambda1", (_WIDTH,)
    yield "layernorm.weight", (_WIDTH,)
    yield "layernorm.bias", (_WIDTH,)


def _values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return weights wide enough that different images get different embeddings."""
    random = np.random.RandomState(zlib.crc32(name.encode()))
    mean = 1.0 if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "lambda1")) else 0.0
    return (mean + 0.3 * random.standard_normal(shape)).astype(np.float32)
