"""EMS with the render resized to the target's size, as the official code does where nothing is specified.

No benchmark here asks for it: Image2Latex pads. It is there to compare with numbers that were made the other way.
"""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image

from vincicoder.evaluation.metrics import Metric, missing
from vincicoder.similarity.ems import Base, ems, prepare


def measure(target: Image.Image, render: Image.Image, prepared: Base) -> Mapping[str, float]:
    """Return the similarity of the target and the resized render."""
    return {"ems_resized": ems(render.resize(target.size), target, prepared)}


METRIC = Metric(
    "ems_resized",
    ("ems_resized",),
    measure,
    {"ems_resized": 0.0},
    prepare,
    lambda: missing("cv2"),
    verified="the official implementation",
)
