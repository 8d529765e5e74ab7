"""LPIPS of UniSVG: how different two images look to AlexNet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

from vincicoder.evaluation.metrics import Metric
from vincicoder.evaluation.metrics._networks import lpips_network, lpips_unavailable


def measure(target: Image.Image, render: Image.Image) -> Mapping[str, float]:
    """Return the distance; 1 for images that differ in size."""
    if target.size != render.size:
        return {"lpips": 1.0}
    return {"lpips": lpips_network().distance(np.asarray(target), np.asarray(render))}


METRIC = Metric("lpips", ("lpips",), measure, {"lpips": 1.0}, unavailable=lpips_unavailable, weights=True)
