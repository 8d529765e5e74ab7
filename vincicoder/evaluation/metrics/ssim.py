"""SSIM of UniSVG: over RGB, in windows of 7 x 7 pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

from vincicoder.evaluation.metrics import Metric
from vincicoder.similarity.ssim import ssim


def measure(target: Image.Image, render: Image.Image) -> Mapping[str, float]:
    """Return the mean structural similarity; 0 for images that differ in size or are smaller than a window."""
    return {"ssim": ssim(np.asarray(target), np.asarray(render))}


METRIC = Metric("ssim", ("ssim",), measure, {"ssim": 0.0}, verified="scikit-image, which the official code calls")
