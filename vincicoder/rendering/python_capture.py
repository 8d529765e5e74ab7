"""Notice the images that Python code saves or shows, where its libraries do it."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.rendering import plotly_page
from vincicoder.rendering.facts import within_limits
from vincicoder.rendering.figure_facts import FigureFacts
from vincicoder.rendering.png import png_of
from vincicoder.rendering.python_images import DecodedImages
from vincicoder.rendering.renderer import Redirect, Rendered, RenderError, Result, Workspace, check_pixels
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".svg")


_OF_FILES = ("backend", "metadata", "papertype", "pil_kwargs")
"""Options of ``savefig`` that do not change the image."""

_FOR_PRINT = ("pdf", "eps", "ps", "pgf", "svg", "svgz")
"""Formats that a figure is often saved in once more, with another resolution."""


class ImageCapture:
    """Notice the images that code makes.

    Args:
        workspace: The private directory and the limits.
        decoded: Counts the images that the code brings along.
    """

    def __init__(self, workspace: Workspace, decoded: DecodedImages) -> None:
        from PIL import Image as pillow

        self._workspace = workspace
        self._decoded = decoded
        self._pages = plotly_page.PlotlyPages(workspace.pixels)
        self._facts = FigureFacts()
        self._image_of = pillow.frombuffer  # as it is before anything is counted
        self._saved: Callable[[], Result] | None = None
        self._saved_figure: object = None  # of matplotlib
        self._shown: Callable[[], Result] | None = None

    def install(self) -> None:
        """Replace the functions that save or show."""
        for name, hook in (
            ("matplotlib.pyplot", self._hook_matplotlib),
            ("PIL.Image", self._hook_pillow),
            ("plotly.basedatatypes", self._hook_plotly),
            ("rdkit.Chem.Draw.rdMolDraw2D", self._hook_rdkit),
            ("indigo.renderer", self._hook_indigo),
        ):
            if name in sys.modules:
                hook(sys.modules[name])

    def image(self) -> Result:
        """Return the image that the code made, with its text if that is asked for.

        Raises:
            RenderError: If it made none.
        """
        take = self._saved or self._newest_file() or self._shown or self._open_figure()
        if take is not None:
            return take()
        raise RenderError(Status.NO_OUTPUT, "the code neither saved nor showed an image")

    def _allowed_path(self, path: Any) -> str:
        """Return where a file may go: its own name in the code's directory, when it was meant for elsewhere."""
        wanted = Path(os.path.abspath(os.fspath(path)))  # noqa: PTH100 - links must not be followed here
        work = Path.cwd() if not str(Path.cwd()).startswith(str(self._workspace.directory)) else self._workspace.cwd
        if not wanted.is_relative_to(work):
            wanted = work / wanted.name
        wanted.parent.mkdir(parents=True, exist_ok=True)
        return str(wanted)

    def _own(self, png: bytes) -> Callable[[], Image.Image]:
        """Return what opens an image that a library has encoded from what the code drew."""
        self._decoded.disown(png)
        return lambda: _open(io.BytesIO(png), self._workspace.pixels)

    def _figure(self, image: Image.Image) -> Callable[[], Result]:
        """Return what gives the image of the matplotlib figure that was drawn last."""
        if not self._workspace.facts:
            return lambda: image
        spans, marks = self._facts.spans, self._facts.marks
        return lambda: Rendered(image, within_limits(spans, image.size, marks))

    def _encoded(self, image: Image.Image) -> bytes:
        """Return the PNG file of a figure, which is not counted when the code opens it."""
        png = png_of(image)
        self._decoded.disown(png)
        return png

    # Libraries

    def _hook_matplotlib(self, plt: Any) -> None:
        if self._workspace.facts:
            self._facts.install()
        figure_class = sys.modules["matplotlib.figure"].Figure
        save = figure_class.savefig

        def drawn(figure: Any, **options: Any) -> Image.Image:
            dpi = options.get("dpi") or sys.modules["matplotlib"].rcParams["savefig.dpi"]
            dpi = figure.dpi if dpi == "figure" else float(dpi)
            width, height = figure.get_size_inches() * dpi
            check_pixels(width, height, self._workspace.pixels)
            canvas = _Pixels()
            save(figure, canvas, **{**{key: options[key] for key in options if key not in _OF_FILES}, "format": "rgba"})
            image: Image.Image = self._image_of("RGBA", canvas.size, canvas.content, "raw", "RGBA", 0, 1)
            image.info["dpi"] = dpi, dpi
            return image

        def savefig(figure: Any, fname: Any, **options: Any) -> None:
            is_file = hasattr(fname, "write")
            suffix = "" if is_file else Path(os.fspath(fname)).suffix.lstrip(".")
            kind = str(options.get("format") or suffix or "png").lower()
            if kind not in _FOR_PRINT or self._saved_figure is not figure:  # a PDF beside a PNG is for a printer
                image = drawn(figure, **options)
                self._saved, self._saved_figure = self._figure(image), figure
            if is_file and kind != "png":
                save(figure, fname, **options)
            elif is_file:
                fname.write(self._encoded(image))
            elif kind == "png":
                Path(self._allowed_path(fname)).write_bytes(self._encoded(image))

        def show(*_: Any, **__: Any) -> None:
            if plt.get_fignums():
                show_figure(plt.gcf())

        def show_figure(figure: Any, *_: Any, **__: Any) -> None:
            if self._saved is None:  # else what is shown is never looked at
                self._shown = self._figure(drawn(figure))

        figure_class.savefig, figure_class.show = savefig, show_figure
        plt.show = show
        plt.savefig = lambda *args, **options: plt.gcf().savefig(*args, **options)  # its own draws once more

        def refuse_tex(*_: Any, **__: Any) -> None:
            raise RenderError(Status.FORBIDDEN, "matplotlib's usetex runs LaTeX, and a script may start no program")

        importlib.import_module("matplotlib.texmanager").TexManager.__new__ = refuse_tex
        # a window system that the code asks for is not there, and is not needed
        matplotlib: Any = sys.modules["matplotlib"]
        matplotlib.use = plt.switch_backend = lambda *_, **__: None

    def _open_figure(self) -> Callable[[], Result] | None:
        plt: Any = sys.modules.get("matplotlib.pyplot")
        if plt is None or not plt.get_fignums():
            return None
        plt.show()
        return self._shown

    def _hook_pillow(self, pillow: Any) -> None:
        save = pillow.Image.save

        def keeping_save(image: Any, fp: Any, format: str | None = None, **options: Any) -> None:
            if isinstance(fp, str | os.PathLike):
                copy = self._pages.page_of(image) or image.copy()
                self._saved = lambda: copy
                fp = self._allowed_path(fp)
            save(image, fp, format, **options)

        def show(image: Any, *_: Any, **__: Any) -> None:
            copy = image.copy()
            self._shown = lambda: copy

        pillow.Image.save = keeping_save
        pillow.Image.show = show

    def _hook_plotly(self, base: Any) -> None:
        def write_image(figure: Any, file: Any = None, *_: Any, **options: Any) -> None:
            page = self._pages.page(figure, options)
            self._saved = lambda: page
            if hasattr(file, "write"):
                file.write(self._pages.placeholder(page))

        def to_image(figure: Any, *_: Any, **options: Any) -> bytes:
            page = self._pages.page(figure, options)
            self._saved = lambda: page
            return self._pages.placeholder(page)

        def show(figure: Any, *_: Any, **options: Any) -> None:
            page = self._pages.page(figure, options)
            self._shown = lambda: page

        base.BaseFigure.write_image = write_image
        base.BaseFigure.write_html = lambda figure, *_, **__: show(figure)
        base.BaseFigure.to_image = to_image
        base.BaseFigure.show = show
        plotly_io: Any = sys.modules.get("plotly.io")
        if plotly_io is not None:
            plotly_io.write_image, plotly_io.show, plotly_io.write_html = write_image, show, show
            plotly_io.to_image = to_image
        offline: Any = sys.modules.get("plotly.offline")
        if offline is not None:
            offline.plot = offline.iplot = show

    def _hook_rdkit(self, draw: Any) -> None:
        for drawer in (draw.MolDraw2DCairo, draw.MolDraw2DSVG):
            write = getattr(drawer, "WriteDrawingText", None)
            if write is not None:
                drawer.WriteDrawingText = self._redirected(write)

        def keep(drawer: Any, path: Any) -> None:
            png = drawer.GetDrawingText()
            self._saved = self._own(png)
            Path(self._allowed_path(path)).write_bytes(png)

        draw.MolDraw2DCairo.WriteDrawingText = keep
        module: Any = sys.modules["rdkit.Chem.Draw"]
        to_file = module.MolToFile
        module.MolToFile = lambda mol, path, *args, **options: to_file(mol, self._allowed_path(path), *args, **options)

    def _redirected(self, write: Callable[..., Any]) -> Callable[..., Any]:
        return lambda owner, path: write(owner, self._allowed_path(path))

    def _hook_indigo(self, module: Any) -> None:
        write = module.IndigoRenderer.renderToFile
        module.IndigoRenderer.renderToFile = lambda owner, item, path: write(owner, item, self._allowed_path(path))

    # Files

    def _newest_file(self) -> Callable[[], Image.Image | Redirect] | None:
        found = [
            path for path in self._workspace.cwd.rglob("*") if path.suffix.lower() in _IMAGE_SUFFIXES and _is_file(path)
        ]
        if not found:
            return None
        newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
        if newest.suffix.lower() == ".svg":
            return lambda: Redirect("svg", newest.read_text(encoding="utf-8", errors="replace"))
        return lambda: _open(newest, self._workspace.pixels)


class _Pixels(io.RawIOBase):
    """A file that matplotlib writes the pixels of a figure to.

    Attributes:
        size: Width and height in pixels.
        content: Red, green, blue and alpha of each, row by row.
    """

    def __init__(self) -> None:
        self.size = 0, 0
        self.content = b""

    def write(self, pixels: Any) -> int:
        """Take the canvas, whose shape is (height, width, 4)."""
        self.size = pixels.shape[1], pixels.shape[0]
        self.content = bytes(pixels)
        return len(self.content)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _open(file: Any, pixels: int) -> Image.Image:
    from PIL import Image

    try:
        image: Image.Image = Image.open(file)
        check_pixels(*image.size, pixels)
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise RenderError(Status.NO_OUTPUT, f"what the code wrote is not an image: {error}") from None
    return image
