"""CLIP of UniSVG: the cosine of the images' embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PIL import Image

from vincicoder.evaluation.metrics import Metric
from vincicoder.evaluation.metrics._networks import clip_similarity, clip_unavailable

_MODEL = "openai/clip-vit-large-patch14-336"


def measure(target: Image.Image, render: Image.Image, network: Callable[..., float]) -> Mapping[str, float]:
    """Return the cosine; 0 for images that differ in size, as the official script gives it."""
    return {"clip": network(clip_similarity, _MODEL, target, render) if target.size == render.size else 0.0}


METRIC = Metric("clip", ("clip",), measure, {"clip": 0.0}, unavailable=lambda: clip_unavailable(_MODEL))
