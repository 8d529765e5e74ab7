"""What every encoder offers, and how one is found by its name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from vincicoder.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BATCH_TILES = 32
"""Tiles that a neural encoder takes through the network at once, unless told otherwise."""


class Encoder(Protocol):
    """Turns tiles into embeddings whose cosine says how alike two tiles look."""

    @property
    def name(self) -> str:
        """The name it was loaded by, as results report it."""

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles. Safe to call from several threads.

        Args:
            tiles: RGB, uint8, shape ``[N, 448, 448, 3]``, N at least 1.

        Returns:
            Embeddings, float32, finite, shape ``[N, D]``. All zeros means that the tile shows nothing.

        Raises:
            EncoderError: The network yielded infinite or undefined numbers.
        """


class _Loader(Protocol):
    def __call__(self, name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> Encoder: ...


# What stands before the first colon of a name (or is the name) -> the module whose `load` understands the
# name. Any other name is a DINOv2 for transformers.
_MODULES = {
    "embedded": "vincicoder.similarity.encoders.embedded",
    "timm": "vincicoder.similarity.encoders.timm",
}
_DEFAULT_MODULE = "vincicoder.similarity.encoders.dinov2"


def load_encoder(
    name: str, device: str | None = None, dtype: str | None = None, batch_tiles: int = BATCH_TILES
) -> Encoder:
    """Load an encoder by name. Nothing is cached: two calls load two encoders.

    Args:
        name: ``"embedded"`` (no weights, CPU); a DINOv2 for transformers by hub id or local folder, such as
            ``"facebook/dinov2-large"``; or ``"timm:NAME"`` or ``"timm:NAME@CHECKPOINT"``, such as
            ``"timm:vit_large_patch14_dinov2.lvd142m"``.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; None or ``"auto"`` takes CUDA if there is one,
            else the CPU.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``; None or ``"auto"`` takes float16 on CUDA, else
            float32.
        batch_tiles: Tiles that go through the network at once, at least 1; bounds the memory that it needs.

    Returns:
        The encoder, ready to use.

    Raises:
        ConfigError: An option has a value that cannot work.
        EncoderError: A package or the weights are missing; the message says how to get them.
    """
    if batch_tiles < 1:
        raise ConfigError(f"batch_tiles={batch_tiles} cannot work; expected a whole number of at least 1.")
    module = importlib.import_module(_MODULES.get(name.partition(":")[0], _DEFAULT_MODULE))
    load: _Loader = module.load
    return load(name, device=device, dtype=dtype, batch_tiles=batch_tiles)
