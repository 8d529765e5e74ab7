"""Earth mover's similarity of Image2Struct, with both images padded to a common size."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image

from vincicoder.evaluation.metrics import Metric, missing
from vincicoder.similarity.ems import Base, ems, prepare


def measure(target: Image.Image, render: Image.Image, prepared: Base) -> Mapping[str, float]:
    """Return EMS with both images padded to a common size, as the benchmark's run specification has it."""
    size = max(render.width, target.width), max(render.height, target.height)
    return {"ems": ems(_padded(render, size), _padded(target, size), prepared)}


def _padded(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    page = Image.new("RGB", size, "white")
    page.paste(image)
    return page


METRIC = Metric(
    "ems", ("ems",), measure, {"ems": 0.0}, prepare, lambda: missing("cv2"), verified="the official implementation"
)
