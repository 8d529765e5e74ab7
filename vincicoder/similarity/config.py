"""What the encoder can be told."""

from __future__ import annotations

from dataclasses import dataclass

from vincicoder.options import Config, option

DEFAULT_ENCODER = "facebook/dinov2-large"
"""The encoder of the paper."""


@dataclass(frozen=True)
class EncoderConfig(Config):
    """Which encoder compares, and how it runs.

    Attributes:
        name: ``"facebook/dinov2-large"`` or another DINOv2 by hub id or local directory, ``"timm:NAME"`` or
            ``"timm:NAME@CHECKPOINT"``, ``"embedded"`` or ``"strokes"``, which need no weights, or the name of
            a plugin's encoder.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, several with commas between them, or ``"all"`` for every
            GPU; None for a GPU when there is one. A reward that a node's processes share takes all unless told.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``; None for float16 on CUDA, else float32.
        batch_tiles: Tiles that go through the network at once; bounds the memory that it needs.
        compiled: Compile the network by torch for batches of three fixed sizes; the first of each takes a minute or so.
        cache_targets: Targets whose embeddings are kept.
    """

    name: str = option(
        DEFAULT_ENCODER,
        help="what compares images: hub id or directory of a DINOv2, timm:NAME, embedded or strokes",
        flat="encoder",
    )
    device: str | None = option(
        None,
        help="where the encoder runs: cpu, cuda:1, several with commas, or all for every GPU",
        shown="a GPU if there is one",
        changes_scores=False,
    )
    dtype: str | None = option(
        None, help="precision of the encoder: float32, float16 or bfloat16", shown="float16 on CUDA, else float32"
    )
    batch_tiles: int = option(64, help="tiles that the encoder takes at once", minimum=1, changes_scores=False)
    compiled: bool = option(
        False, help="compile the encoder's network by torch, which takes a minute or more", flat="compile_encoder"
    )
    cache_targets: int = option(2048, help="targets whose embeddings are kept", minimum=0, changes_scores=False)
