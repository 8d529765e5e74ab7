"""CLIP of Design2Code: the cosine of the embeddings of two pages whose text is painted over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from vincicoder.evaluation.metrics import Metric, missing
from vincicoder.evaluation.metrics._networks import clip_similarity, clip_unavailable
from vincicoder.evaluation.metrics._recoloured import Block, blocks_of, image_of_reference, merged
from vincicoder.rendering import Render

_MODEL = "openai/clip-vit-base-patch32"


def prepare(reference: str, run: Callable[[str, str], Render]) -> Image.Image:
    """Return the reference's page without its text."""
    image = image_of_reference(reference, run)
    return without_text(image, merged(blocks_of(reference, image, run)))


def measure(
    code: str,
    run: Callable[[str, str], Render],
    network: Callable[..., float],
    render: Image.Image,
    prepared: Image.Image,
) -> Mapping[str, float]:
    """Return the cosine."""
    return {"clip": network(clip_similarity, _MODEL, without_text(render, blocks_of(code, render, run)), prepared)}


def without_text(image: Image.Image, blocks: Sequence[Block]) -> Image.Image:
    """Return a page with its text painted over (Telea, radius 3), as a square of its shorter side."""
    import cv2

    if blocks:
        mask = np.zeros((image.height, image.width), np.uint8)
        for block in blocks:
            left, wide = (int(share * image.width) for share in (block.box[0], block.box[2]))
            top, high = (int(share * image.height) for share in (block.box[1], block.box[3]))
            mask[top : top + high, left : left + wide] = 255
        pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1])
        image = Image.fromarray(np.ascontiguousarray(cv2.inpaint(pixels, mask, 3, cv2.INPAINT_TELEA)[..., ::-1]))
    side = min(image.size)
    return image.resize((side, side), Image.Resampling.LANCZOS)


METRIC = Metric(
    "design2code_clip",
    ("clip",),
    measure,
    {"clip": 0.0},
    prepare,
    lambda: missing("bs4", "cv2") or clip_unavailable(_MODEL),
)
