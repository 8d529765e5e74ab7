"""SVG, rendered by CairoSVG on white."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from vincicoder.rendering.facts import Facts, Mark, Span, within_limits
from vincicoder.rendering.renderer import (
    Policy,
    Prefix,
    Rendered,
    RenderError,
    Workspace,
    check_pixels,
    room_for_prefixes,
    thinned,
)
from vincicoder.rendering.svg_prefixes import boundaries, image_of, watched
from vincicoder.rendering.svg_text import noting_surface
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_EXTERNAL_URL = re.compile(r"url\(\s*['\"]?(?!\s*['\"]?#)[^)]*\)", re.IGNORECASE)
_IMPORT = re.compile(r"@import[^;]*;?", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+\.?\d*|\.\d+)\s*%")
_OPACITY = re.compile(r"opacity\s*:[^;{}%]*%")
_NOWHERE = "#nowhere"


class SvgRenderer:
    """Render SVG with its own aspect ratio, scaled so that small icons keep their detail.

    Args:
        longest_side: Images whose longer side is below this many pixels are rendered at this size; larger ones
            keep theirs.
        square: Width and height of every image, whatever its aspect ratio; None to keep it.
    """

    jobs_per_child: ClassVar[int] = 50
    draws_prefixes: ClassVar[bool] = True

    def __init__(self, longest_side: int = 512, square: int | None = None) -> None:
        self.longest_side = longest_side
        self.square = square

    def policy(self) -> Policy:
        """Return a policy that allows files only: no process, no socket."""
        return Policy()

    def preload(self) -> dict[str, Any]:
        """Import CairoSVG and render once, so that children inherit loaded fonts."""
        import cairosvg
        import defusedxml.ElementTree  # noqa: F401
        from PIL import Image, PngImagePlugin  # noqa: F401

        sample = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">a</text></svg>'
        prefixes = _Prefixes("", 0)
        _drawn(sample, (9, 9), _DataUrlReader().read, True, prefixes)  # the first call of each function takes long
        return {"cairosvg": cairosvg.__version__}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Rendered:
        """Render one SVG document."""
        data, width, height = self._clean(code)
        scale = max(1.0, self.longest_side / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if self.square is not None:
            size = self.square, self.square
        check_pixels(*size, workspace.pixels)
        reader = _DataUrlReader()
        prefixes = _Prefixes(code, room_for_prefixes(*size, workspace))
        try:
            image, facts = _drawn(data, size, reader.read, workspace.facts, prefixes)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - CairoSVG raises whatever its parsing stumbles over
            raise RenderError(Status.RUNTIME_ERROR, f"CairoSVG: {type(error).__name__}: {error}") from None
        return Rendered(image, facts, reader.raster_bytes, prefixes.taken)

    def _clean(self, code: str) -> tuple[bytes, float, float]:
        """Parse, remove every reference to something outside the document, and find the size."""
        from xml.etree import ElementTree

        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import fromstring

        try:
            root = fromstring(code.strip().encode("utf-8", "replace"))
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            if isinstance(error, DefusedXmlException):
                raise RenderError(Status.FORBIDDEN, f"entities are not expanded: {error}") from None
            raise RenderError(Status.SYNTAX_ERROR, f"not well-formed XML: {error}") from None
        if _local_name(root) != "svg":
            raise RenderError(Status.SYNTAX_ERROR, f"the root element is <{_local_name(root)}>, not <svg>")
        for element in root.iter():
            _remove_external_references(element)
            _normalise(element)
        width, height = _size(root.get("width"), root.get("height"), root.get("viewBox"))
        if not (0 < width < math.inf and 0 < height < math.inf):  # numbers that a float holds only as 0, inf or NaN
            raise RenderError(Status.TOO_LARGE, f"the image is {width:g}x{height:g}, which is no size")
        return ElementTree.tostring(root, encoding="utf-8"), width, height  # names may be in any script


def _drawn(
    data: bytes,
    size: tuple[int, int],
    read: Callable[[str, str], bytes],
    with_facts: bool,
    prefixes: _Prefixes,
) -> tuple[Image.Image, Facts | None]:
    """Return the image of a document, and its facts if they are asked for; put what is asked for into the prefixes."""
    from cairosvg.parser import Tree
    from cairosvg.surface import PNGSurface

    spans: list[Span] = []
    marks: list[Mark] = []
    surface_class = prefixes.watching(noting_surface(spans, marks) if with_facts else PNGSurface)
    tree = Tree(bytestring=data, url_fetcher=read)
    surface = surface_class(tree, None, 96, output_width=size[0], output_height=size[1], background_color="white")
    image = image_of(surface.cairo)
    return image, within_limits(spans, image.size, marks) if with_facts else None


class _Prefixes:
    """The prefixes that are asked for.

    Attributes:
        taken: Their images.

    Args:
        code: The document, well-formed.
        most: How many images; 0 for none.
    """

    def __init__(self, code: str, most: int) -> None:
        self.taken: list[Prefix] = []
        found, self._elements = boundaries(code) if most else ([], 0)
        self._chosen = thinned(found, most)

    def watching(self, surface_class: type) -> type:
        """Return a surface of CairoSVG that takes the images too, if any are asked for."""
        return watched(surface_class, self._chosen, self._elements, self.taken) if self._chosen else surface_class


class _DataUrlReader:
    """Read for CairoSVG whatever a document refers to, also from documents inside it: ``data:`` URLs and nothing else.

    Attributes:
        raster_bytes: Bytes of raster images that were read, each URL once, however it was spelt.
    """

    def __init__(self) -> None:
        self.raster_bytes = 0
        self._known: dict[str, bytes] = {}

    def read(self, url: str, kind: str) -> bytes:
        """Return what a URL holds; an empty document for anything that is not a ``data:`` URL.

        Args:
            url: The URL.
            kind: The media type that CairoSVG expects.
        """
        from cairosvg.url import safe_fetch

        if url not in self._known:
            self._known[url] = content = safe_fetch(url, kind)
            if kind.startswith("image/") and not _is_markup(content):
                self.raster_bytes += len(content)
        return self._known[url]


def _is_markup(content: bytes) -> bool:
    """Whether CairoSVG takes an image for SVG, whose own images are read one by one. The signs are CairoSVG's."""
    if content.startswith(b"\x89PNG"):
        return False
    return content.startswith((b"<?xml", b"<!DOC", b"\x1f\x8b")) or b"<svg" in content


def _remove_external_references(element: Any) -> None:
    """Remove references to anything outside the document."""
    for name, value in list(element.attrib.items()):
        if name in _HREF and not value.lstrip().startswith(("#", "data:")):
            del element.attrib[name]
        elif "url(" in value.lower():
            element.attrib[name] = _EXTERNAL_URL.sub("none", value)
    if _local_name(element) == "style" and element.text:
        element.text = _IMPORT.sub("", _EXTERNAL_URL.sub("none", element.text))


def _normalise(element: Any) -> None:
    """Rewrite valid attributes that CairoSVG fails on in a form that it renders."""
    if _local_name(element) == "use" and not any(len(element.get(name, "").strip()) > 1 for name in _HREF):
        element.set("href", _NOWHERE)  # without one it would use the whole document, again and again
    for name, value in element.attrib.items():
        if name.endswith("opacity"):
            element.attrib[name] = _PERCENT.sub(_fraction, value)
        elif name == "style":
            element.attrib[name] = _OPACITY.sub(_opacity, value)
    if _local_name(element) == "style" and element.text:
        element.text = _OPACITY.sub(_opacity, element.text)


def _fraction(percent: re.Match[str]) -> str:
    return f"{float(percent[1]) / 100:g}"


def _opacity(declaration: re.Match[str]) -> str:
    return _PERCENT.sub(_fraction, declaration[0])


def _local_name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


_UNITS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96.0,
    "em": 16.0,
}
_LENGTH = re.compile(r"\s*([+]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*([a-z]*)\s*$")


def _length(text: str | None) -> float | None:
    match = _LENGTH.match(text or "")
    if match is None or match[2] not in _UNITS:
        return None
    return float(match[1]) * _UNITS[match[2]] or None


def _size(width: str | None, height: str | None, view_box: str | None) -> tuple[float, float]:
    """Return the size in CSS pixels: width and height, else the viewBox, else 300 x 150 as browsers do."""
    try:
        _, _, box_width, box_height = (float(part) for part in re.split(r"[\s,]+", (view_box or "").strip()))
        ratio = box_width / box_height if box_width > 0 and box_height > 0 else 0.0
    except ValueError:
        ratio = box_width = box_height = 0.0
    known_width, known_height = _length(width), _length(height)
    if known_width and known_height:
        return known_width, known_height
    if ratio and known_width:
        return known_width, known_width / ratio
    if ratio and known_height:
        return known_height * ratio, known_height
    if ratio:
        return box_width, box_height
    return known_width or 300.0, known_height or 150.0
