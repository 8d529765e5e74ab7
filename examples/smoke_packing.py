"""Plugin for ms-swift that lets a smoke run pack rows without flash-attn, which needs a GPU.

ms-swift refuses to pack with another kernel, since most would let rows of a sequence see each other. With those of
Qwen's models in transformers 5 they do not: its masks follow the positions, which begin again with each row. On long
sequences that is slow, so this is for tiny models.
"""

from __future__ import annotations

from typing import Any

from swift.arguments import SftArguments


def _allow(arguments: Any) -> None:
    arguments.padding_free = arguments.padding_free or arguments.packing


SftArguments._check_padding_free = _allow
