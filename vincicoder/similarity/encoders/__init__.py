"""Encoders: tiles in, embeddings out. One file each, loaded by name."""

from __future__ import annotations

from vincicoder.similarity.encoders.base import BATCH_TILES, Encoder, load_encoder

__all__ = ["BATCH_TILES", "Encoder", "load_encoder"]
