"""Whether a reference can be believed: data sets hold some that do not render, or that belong to another target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vincicoder.similarity import blank_page

if TYPE_CHECKING:
    from vincicoder.rendering import Render

_CELLS = (8, 8)
"""So few that an image which is moved by 3 % stays near. Of the samples' targets taken for each other's references,
64 % are found at this size, and 2 % of those that are moved by 3 or 5 %."""


def fault_of(render: Render, target: Image.Image) -> str:
    """Return why a reference is of no use, in one sentence; empty if it can be used.

    It must render, and its image must be nearer to the target than an empty page of the target's background colour.

    Args:
        render: The reference's render.
        target: The target, RGB.

    Example:
        >>> from vincicoder.rendering import Render
        >>> from vincicoder.status import Status
        >>> target = Image.new("RGB", (80, 80), "white")
        >>> target.paste("navy", (10, 10, 40, 40))
        >>> fault_of(Render(Status.OK, target.copy()), target)
        ''
        >>> fault_of(Render(Status.OK, target.transpose(Image.Transpose.ROTATE_180)), target)
        'the reference renders an image that is no nearer to the target than an empty page'
    """
    if render.image is None:
        return f"the reference does not render: {render.status.value}: {render.message}"
    apart, empty = (_apart(image, target) for image in (render.image, blank_page(target)))
    if apart and apart >= empty:
        return "the reference renders an image that is no nearer to the target than an empty page"
    return ""


def _apart(image: Image.Image, target: Image.Image) -> float:
    """Return the mean difference of two images that are brought to a few cells, 0 to 255."""
    first, second = (
        np.asarray(each.convert("RGB").resize(_CELLS, Image.Resampling.BOX), np.int16) for each in (image, target)
    )
    return float(np.abs(first - second).mean())
