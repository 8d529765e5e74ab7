"""Rasters to smuggle: what a guard must find, however it is spelt, and what is small enough to pass."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from vincicoder.guards import PAYLOAD_CAP

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
"""Noise, which no compression makes small."""


def encoded(kind: str = "PNG", side: int = 40, **options: object) -> bytes:
    """Return an image file of noise."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS[:side, :side]).save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


LARGE = encoded()
SMALL = encoded(side=8)
B64 = base64.b64encode(LARGE).decode()
SMALL_B64 = base64.b64encode(SMALL).decode()
assert len(SMALL) < PAYLOAD_CAP < len(LARGE)
