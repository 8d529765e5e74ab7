"""The component ``ink``: which share of what is not background is so in both images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_BACKGROUND = 250


def ink_overlap(target: Image, render: Image) -> float:
    """Return intersection over union of the pixels that are darker than the background, in [0, 1]."""
    inked = [np.asarray(image.convert("L")) < _BACKGROUND for image in (target, render)]
    union = int(np.logical_or(*inked).sum())
    return int(np.logical_and(*inked).sum()) / union if union else 1.0
