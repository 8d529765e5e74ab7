"""The blank guard: does the render show anything at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from PIL import Image


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
    extrema = cast("tuple[tuple[int, int], ...]", rgb.getextrema())
    return all(high - low <= tolerance for low, high in extrema)
