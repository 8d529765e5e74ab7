"""Plugin for ms-swift that lets a smoke run pack rows, and be resumed, on CPUs.

ms-swift refuses to pack without flash-attn, which needs a GPU, since most kernels would let rows of a sequence see each
other. Those of Qwen's models in transformers 5 do not: their masks follow the positions, which begin again with each
row. On long sequences that is slow, so this is for tiny models.

Several processes on CPUs call their device ``cpu:0``, where torch cannot load the state of an optimizer by itself.
"""

from __future__ import annotations

from typing import Any

import torch
from swift.arguments import SftArguments


def _allow(arguments: Any) -> None:
    arguments.padding_free = arguments.padding_free or arguments.packing


def _loaded(storage: Any, location: str) -> Any:
    return storage if location.startswith("cpu:") else None


SftArguments._check_padding_free = _allow
torch.serialization.register_package(0, lambda storage: None, _loaded)
