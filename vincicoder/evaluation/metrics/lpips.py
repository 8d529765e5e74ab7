"""LPIPS of UniSVG: how different two images look to AlexNet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PIL import Image

from vincicoder.evaluation.metrics import Metric
from vincicoder.evaluation.metrics._networks import lpips_distance, lpips_unavailable


def measure(target: Image.Image, render: Image.Image, network: Callable[..., float]) -> Mapping[str, float]:
    """Return the distance; 1 for images that differ in size."""
    if target.size != render.size:
        return {"lpips": 1.0}
    return {"lpips": network(lpips_distance, target, render)}


METRIC = Metric("lpips", ("lpips",), measure, {"lpips": 1.0}, unavailable=lpips_unavailable)
