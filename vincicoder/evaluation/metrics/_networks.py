"""The networks behind CLIP and LPIPS. Their weights are the user's to bring: nothing here downloads any."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vincicoder.registry import install_command

Array = np.ndarray[Any, Any]

LPIPS_DIRECTORY = "VINCICODER_LPIPS"
"""Environment variable that names the directory of LPIPS's two files."""

_SETTINGS, _WEIGHTS = ("config.json", "preprocessor_config.json"), ("model.safetensors", "pytorch_model.bin")
"""Files of a CLIP model: all of the former are needed, and one of the latter."""

_ALEXNET, _LINEAR = "alexnet-owt-7be5be79.pth", "alex.pth"
_CONVOLUTIONS = ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1), (256, 256, 3, 1, 1))
"""Of AlexNet: channels in and out, side, stride and padding. The activations behind each are compared."""
_NUMBERS = (0, 3, 6, 8, 10)  # of these layers in torchvision's AlexNet
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


def clip_unavailable(model: str) -> str:
    """Return why a CLIP model cannot be used here and how to get it, or ""."""
    if absent := [name for name in ("torch", "transformers") if find_spec(name) is None]:
        return f"needs {' and '.join(absent)}: {install_command('dinov2')}"
    if Path(model).is_dir():
        return ""
    from huggingface_hub import try_to_load_from_cache

    there = {name for name in (*_SETTINGS, *_WEIGHTS) if isinstance(try_to_load_from_cache(model, name), str)}
    if there.issuperset(_SETTINGS) and there.intersection(_WEIGHTS):
        return ""
    return f"needs the weights of {model}: hf download {model}"


def clip_similarity(model: str, first: Image.Image, second: Image.Image) -> float:
    """Return the cosine of two images' CLIP embeddings, in [-1, 1].

    Args:
        model: Name on the hub of a model that is in the cache, or a directory.
        first: One image.
        second: The other.
    """
    import torch

    network, processor = _clip(model)
    pixels = processor(images=[first, second], return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        one, other = network(pixel_values=pixels).image_embeds.double()
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


@lru_cache(maxsize=2)
def _clip(model: str) -> tuple[Any, Any]:
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    network: Any = CLIPVisionModelWithProjection.from_pretrained(model, local_files_only=True)
    return network.eval(), CLIPImageProcessor.from_pretrained(model, local_files_only=True)


def lpips_files() -> tuple[Path, Path]:
    """Return where the weights of AlexNet and of LPIPS's linear layers are expected."""
    if directory := os.environ.get(LPIPS_DIRECTORY):
        return Path(directory) / _ALEXNET, Path(directory) / _LINEAR
    cache = Path(os.environ.get("TORCH_HOME", "~/.cache/torch")).expanduser() / "hub" / "checkpoints"
    return cache / _ALEXNET, cache / _LINEAR


def lpips_unavailable() -> str:
    """Return why LPIPS cannot be used here and what it needs, or ""."""
    if find_spec("torch") is None:
        return f"needs torch: {install_command('dinov2')}"
    if absent := [str(path) for path in lpips_files() if not path.is_file()]:
        return f"needs {' and '.join(absent)}; {LPIPS_DIRECTORY} may name another directory"
    return ""


def lpips_distance(first: Image.Image, second: Image.Image) -> float:
    """Return the LPIPS, with the weights of `lpips_files`, of two RGB images of equal size."""
    return _lpips(*lpips_files()).distance(np.asarray(first), np.asarray(second))


@lru_cache(maxsize=1)
def _lpips(features: Path, linear: Path) -> Lpips:
    import torch

    return Lpips(*(torch.load(path, map_location="cpu", weights_only=True) for path in (features, linear)))


class Lpips:
    """Learned perceptual image patch similarity on AlexNet, version 0.1.

    Args:
        features: State of torchvision's AlexNet.
        linear: State of the linear layers: ``lin0.model.1.weight`` and so on, shape [1, channels, 1, 1].
    """

    def __init__(self, features: Mapping[str, Any], linear: Mapping[str, Any]) -> None:
        import torch

        self._layers = []
        for number, (wide, out, side, stride, padding), index in zip(_NUMBERS, _CONVOLUTIONS, range(5), strict=True):
            layer = torch.nn.Conv2d(wide, out, side, stride, padding)
            layer.load_state_dict({name: features[f"features.{number}.{name}"] for name in ("weight", "bias")})
            self._layers.append((layer, linear[f"lin{index}.model.1.weight"].view(-1, 1, 1)))

    def distance(self, first: Array, second: Array) -> float:
        """Return the distance of two images of uint8 and equal size, shape [height, width, 3]; 0 if they are equal."""
        import torch
        from torch.nn import functional

        values = torch.from_numpy(np.stack((first, second))).permute(0, 3, 1, 2).float() / 127.5 - 1
        shift, scale = (torch.tensor(each).view(1, 3, 1, 1) for each in (_SHIFT, _SCALE))
        values, total = (values - shift) / scale, 0.0
        with torch.inference_mode():
            for index, (layer, weights) in enumerate(self._layers):
                if index in (1, 2):
                    values = functional.max_pool2d(values, 3, 2)
                values = functional.relu(layer(values))
                unit = values / (values.square().sum(1, keepdim=True).sqrt() + 1e-10)
                total += float(((unit[0] - unit[1]).square() * weights).sum(0).mean())
        return total
