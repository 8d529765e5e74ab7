"""Image2Struct's earth mover's similarity: how far ink must travel to turn the render into the target."""

from __future__ import annotations

from importlib.util import find_spec

from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.registry import install_command
from vincicoder.similarity.ems import Base, ems
from vincicoder.similarity.ems import prepare as base_of


class Ems:
    """Compare where ink is, as Image2Struct's metric does. No preset contains it; it takes a fifth of a second of CPU.

    Raises:
        ConfigError: OpenCV is not installed.

    Example:
        >>> component, target = Ems(), Image.linear_gradient("L").convert("RGB")
        >>> component(target, target, component.prepare(target))
        1.0
    """

    def __init__(self) -> None:
        if find_spec("cv2") is None:
            raise ConfigError(f"it needs opencv-python-headless; run: {install_command('eval')}")

    def prepare(self, target: Image.Image) -> Base:
        """Return the target's distance from a constant image."""
        return base_of(target)

    def __call__(self, target: Image.Image, render: Image.Image, prepared: Base) -> float:
        """Return the similarity, in [0, 1]; 0 where a constant image is nearer."""
        return max(0.0, ems(render, target, prepared))


COMPONENT = Ems
