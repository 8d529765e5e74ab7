"""Images and responses whose pixels are the same on every machine.

Text depends on fonts, and slanted edges on the version of what renders them. Rectangles on whole pixels and images that
are shown at their own size depend on neither: the render is known to the last bit, so that a score of it can be held
to the last decimal.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "examples" / "samples"

SHORTEST_SIDE_THAT_IS_KEPT = 512
"""Pixels. The SVG renderer enlarges images whose longer side is below this."""

PAIRED = {
    "chart": SAMPLES / "chart" / "sns-regression-facets" / "target.png",
    "web": SAMPLES / "web" / "pricing-page" / "target.png",
    "svg": SAMPLES / "svg" / "logo-gradient-text" / "target.png",
    "latex": SAMPLES / "latex" / "review-flowchart" / "target.png",
    "molecule": SAMPLES / "molecule" / "ester-reaction" / "target.png",
}
"""A target of each domain, of five different shapes."""


def _erased(image: Image.Image) -> Image.Image:
    copy = image.copy()
    copy.paste("white", (image.width // 2, 0, image.width, image.height // 2))
    return copy


def _cut(image: Image.Image) -> Image.Image:
    return image.crop((image.width // 8, 0, image.width, image.height - image.height // 16))


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "same": lambda image: image,
    "moved": lambda image: ImageChops.offset(image, 24, 8),
    "erased": _erased,
    "cut": _cut,
    "inverted": ImageOps.invert,
    "grey": lambda image: image.convert("L").convert("RGB"),
    "recoloured": lambda image: Image.merge("RGB", image.split()[::-1]),
}
"""Changes that move whole pixels or values, without rounding. All but ``cut`` keep the size."""


def mosaic(seed: int, columns: int = 8, rows: int = 6, side: int = 80) -> str:
    """Return SVG of coloured rectangles on whole pixels; equal seeds give equal colours."""
    state, shapes = seed, []
    for index in range(columns * rows):
        state = (1103515245 * state + 12345) % 2**31  # not Python's own, which may change
        x, y = side * (index % columns), side * (index // columns)
        shapes.append(f'<rect x="{x}" y="{y}" width="{side}" height="{side}" fill="#{state >> 7:06x}"/>')
    return svg(columns * side, rows * side, "".join(shapes))


def shown(image: Image.Image) -> str:
    """Return SVG that shows an image at its own size."""
    assert max(image.size) >= SHORTEST_SIDE_THAT_IS_KEPT
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    shape = f'<image width="{image.width}" height="{image.height}" href="data:image/png;base64,{data}"/>'
    return svg(*image.size, shape)


def svg(width: int, height: int, body: str) -> str:
    """Return an SVG document."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>'


def fenced(code: str, language: str = "svg") -> str:
    """Return a response that holds the code in a fence."""
    return f"Here it is.\n\n```{language}\n{code}\n```\n"


def blocks() -> Image.Image:
    """Return the target of ``RESPONSES``: 640 x 480 pixels, red and blue on white."""
    image = Image.new("RGB", (640, 480), "white")
    image.paste("red", (40, 40, 360, 300))
    image.paste("blue", (400, 120, 600, 440))
    return image


_RED = '<rect width="640" height="480" fill="white"/><rect x="40" y="40" width="320" height="260" fill="red"/>'
_BLUE = '<rect x="400" y="120" width="200" height="320" fill="blue"/>'

RESPONSES = {
    "perfect": fenced(svg(640, 480, _RED + _BLUE)),
    "partial": fenced(svg(640, 480, _RED)),
    "other": fenced(mosaic(7)),
    "bare": svg(640, 480, _RED + _BLUE),
    "no_code": "I cannot draw that.",
    "wrong_language": fenced("x = 1", "python"),
    "truncated": "```svg\n<svg width='640'",
    "syntax_error": fenced("<svg><rect</svg>"),
    "too_large": fenced(svg(99999, 99999, _RED)),
    "blank": fenced(svg(640, 480, '<rect width="640" height="480" fill="white"/>')),
    "raster": fenced(svg(640, 480, f'<image width="640" height="480" href="data:image/png;base64,{"iVBOR" * 9999}"/>')),
}
"""Responses in SVG to the target ``blocks``, by what is the matter with them."""
