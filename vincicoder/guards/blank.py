"""The blank guard: does the render show anything at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from PIL import Image


_SAMPLES = 64  # pixels of the diagonal that are looked at first


def is_blank(image: Image.Image, tolerance: int = 2) -> bool:
    """Return whether an image has a single colour.

    Args:
        image: The image; transparency is ignored.
        tolerance: Largest difference within one channel (0 to 255) that still counts as one colour, since lossy files
            round colours.

    Example:
        >>> from PIL import Image
        >>> is_blank(Image.new("RGB", (8, 8), "white"))
        True
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    corner = cast("tuple[int, ...]", rgb.getpixel((0, 0)))
    for x in range(rgb.width // _SAMPLES, rgb.width, max(1, rgb.width // _SAMPLES)):  # nearly every image shows here
        pixel = cast("tuple[int, ...]", rgb.getpixel((x, x * rgb.height // rgb.width)))
        if any(abs(one - other) > tolerance for one, other in zip(corner, pixel, strict=True)):
            return False
    extrema = cast("tuple[tuple[int, int], ...]", rgb.getextrema())
    return all(high - low <= tolerance for low, high in extrema)
