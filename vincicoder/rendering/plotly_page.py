"""A plotly figure as a page: plotly needs a browser, and a script may start none."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.rendering.renderer import Redirect, check_pixels

if TYPE_CHECKING:
    from PIL import Image

_SIZE = (700, 500)  # what plotly's own exporter uses when a figure does not say
_SCRIPT = Path(__file__).with_suffix(".js")
_MARK = "plotly-page"
_ORIGIN = "http://assets.invalid/"  # not the page's own, which is always new: V8 compiles what it knows but once

_PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><style>body{{margin:0}}</style></head><body>
<div id="figure" style="width:{width}px;height:{height}px"></div>
<script type="application/json" id="figure-data">{data}</script>
<script src="{origin}plotly.min.js"></script><script src="plotly_page.js"></script></body></html>"""


class PlotlyPages:
    """The figures of one script.

    A script that asks for a figure's image as bytes gets a white placeholder of the right size. Where it then saves the
    placeholder, perhaps after cropping or converting it, the figure's page is what it meant.

    Args:
        pixels: The largest image, in pixels.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._made: list[Redirect] = []

    def page(self, figure: Any, options: dict[str, Any]) -> Redirect:
        """Return the page that shows a figure.

        Args:
            figure: plotly's figure.
            options: What the script gave ``write_image`` or ``show``; ``width``, ``height`` and ``scale`` count.

        Raises:
            RenderError: If the image would be too large.
        """
        width = int(options.get("width") or getattr(figure.layout, "width", None) or _SIZE[0])
        height = int(options.get("height") or getattr(figure.layout, "height", None) or _SIZE[1])
        scale = float(options.get("scale") or 1)
        check_pixels(width * scale, height * scale, self._pixels)
        # as plotly's own exporter renders them, but for 3D scenes, which a static plot leaves out of the page
        static = "false" if any("scene" in trace for trace in figure.data) else "true"
        data = f'{{"width": {width}, "height": {height}, "staticPlot": {static}, "figure": {figure.to_json()}}}'
        page = _PAGE.format(origin=_ORIGIN, width=width, height=height, data=data.replace("<", "\\u003c"))
        return Redirect("html", page, width, height, scale)

    def placeholder(self, page: Redirect) -> bytes:
        """Return a PNG file to give to the script in place of the figure's image."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        self._made.append(page)
        mark = PngInfo()
        mark.add_text(_MARK, str(len(self._made) - 1))
        size = round(page.width * page.scale), round(page.height * page.scale)
        buffer = io.BytesIO()
        Image.new("RGB", size, "white").save(buffer, "PNG", pnginfo=mark)
        return buffer.getvalue()

    def page_of(self, image: Image.Image) -> Redirect | None:
        """Return the page whose placeholder an image is, if it is one."""
        number = str(image.info.get(_MARK, ""))
        return self._made[int(number)] if number.isdecimal() and int(number) < len(self._made) else None


def assets() -> dict[str, str]:
    """Return the files that the pages need, by name, if plotly is loaded: plotly's own script and ours."""
    if "plotly" not in sys.modules:
        return {}
    script = Path(str(sys.modules["plotly"].__file__)).parent / "package_data" / "plotly.min.js"
    return {script.name: str(script), _SCRIPT.name: str(_SCRIPT)} if script.is_file() else {}
