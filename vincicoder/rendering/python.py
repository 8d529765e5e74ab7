"""Python code that draws: matplotlib and what is built on it, plotly, RDKit, Indigo, Pillow.

The code runs in a fork of a server that has the drawing libraries loaded. What it saves or shows is noticed where it
happens, with its own resolution and bounding box, in this order of preference: the last image saved, the last
image file left in the directory, the last image shown, the figure still open at the end.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import importlib
import io
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vincicoder.rendering import clock, plotly_page
from vincicoder.rendering.python_images import DecodedImages
from vincicoder.rendering.renderer import Policy, Redirect, Rendered, RenderError, Workspace, check_pixels
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

_PRELOAD = (
    "numpy",
    "numpy.random",
    "PIL.Image",
    "PIL.ImageDraw",
    "PIL.ImageFont",
    "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib.animation",
    "mpl_toolkits.mplot3d",
    "mpl_toolkits.axes_grid1",
    "pandas",
    "scipy.stats",
    "scipy.interpolate",
    "seaborn",
    "networkx",
    "plotly.graph_objects",
    "plotly.express",
    "plotly.figure_factory",
    "plotly.subplots",
    "rdkit.Chem.AllChem",
    "rdkit.Chem.Draw",
    "rdkit.Chem.Draw.rdMolDraw2D",
    "rdkit.Chem.rdChemReactions",
    "indigo.renderer",
)
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".svg")
_NAME = "response.py"
_CJK_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Source Han Sans SC")


class PythonRenderer:
    """Run a script and take the image that it makes. It may start no process and open no socket."""

    jobs_per_child: ClassVar[int] = 1
    redirects_to: ClassVar[tuple[str, ...]] = ("html", "svg")

    def policy(self) -> Policy:
        """Return a policy that allows files and threads only."""
        return Policy()

    def preload(self) -> dict[str, Any]:
        """Import whatever drawing libraries this interpreter has, and plot once to warm their caches.

        Raises:
            ModuleNotFoundError: If it has no matplotlib, without which honest answers would all seem to fail.
        """
        versions = {}
        for name in _PRELOAD:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        for name in ("matplotlib", "seaborn", "plotly", "rdkit", "indigo", "numpy", "pandas"):
            if name in sys.modules:
                versions[name] = str(getattr(sys.modules[name], "__version__", "present"))
        if "matplotlib" not in versions:
            raise ModuleNotFoundError(f"matplotlib is missing: {sys.executable} -m pip install matplotlib")
        _warm_matplotlib()
        return {"versions": versions, "assets": plotly_page.assets()}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Rendered | Redirect:
        """Run the code and return its image."""
        try:
            program = compile(code, _NAME, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            raise RenderError(Status.SYNTAX_ERROR, f"{type(error).__name__}: {error}") from None
        except (RecursionError, MemoryError):  # the parser says either
            raise RenderError(Status.SYNTAX_ERROR, "nested too deeply") from None
        _seed()
        decoded = DecodedImages(program)
        capture = _ImageCapture(workspace, decoded)
        decoded.install()
        capture.install()
        clock.install()
        linecache.cache[_NAME] = (len(code), None, code.splitlines(keepends=True), _NAME)
        _run(program)
        image = capture.image()
        return image if isinstance(image, Redirect) else Rendered(image, embedded_bytes=decoded.embedded_bytes)


def _warm_matplotlib() -> None:
    from matplotlib import font_manager
    from matplotlib import pyplot as plt

    _add_cjk_fallback(font_manager.fontManager)
    plt.figure().add_subplot().set_title("warm $x^2$")
    plt.savefig(io.BytesIO(), format="png")
    plt.close("all")


def _add_cjk_fallback(manager: Any) -> None:
    """Put a CJK font behind whatever the code asks for: most Chinese charts name fonts that are not free."""
    known = {font.name: font.fname for font in manager.ttflist}
    fallback = next((known[name] for name in _CJK_FONTS if name in known), None)
    find = getattr(manager, "_find_fonts_by_props", None)  # private, and the only place where fallbacks are chosen
    if fallback is None or find is None:
        return

    def find_with_fallback(*args: Any, **options: Any) -> list[str]:
        found = find(*args, **options)
        return found if fallback in found else [*found, fallback]

    manager._find_fonts_by_props = find_with_fallback


def _seed() -> None:
    """Make unseeded randomness the same each time: the same code gives the same image."""
    import random

    random.seed(0)
    if "numpy" in sys.modules:
        numpy = sys.modules["numpy"]
        numpy.random.seed(0)
        unseeded = numpy.random.default_rng
        numpy.random.default_rng = lambda seed=None: unseeded(0 if seed is None else seed)


def _run(program: Any) -> None:
    scope = {"__name__": "__main__", "__file__": str(Path.cwd() / _NAME), "__builtins__": builtins}
    sys.argv = [_NAME]
    sys.modules["__main__"].__dict__.update(scope)
    sys.path.insert(0, str(Path.cwd()))
    try:
        exec(program, sys.modules["__main__"].__dict__)  # this is what the sandbox is for
    except SystemExit as error:
        if error.code not in (None, 0):
            raise RenderError(Status.RUNTIME_ERROR, f"the code called exit({error.code!r})") from None
    except MemoryError:
        raise RenderError(Status.OUT_OF_MEMORY, "the memory limit was reached") from None
    except BaseException as error:  # noqa: BLE001 - whatever the code raises is its own result
        raise _failure(error) from None


def _failure(error: BaseException) -> RenderError:
    frames = traceback.extract_tb(error.__traceback__)
    line = next((frame.lineno for frame in reversed(frames) if frame.filename == _NAME), None)
    where = f" (line {line})" if line else ""
    message = f"{type(error).__name__}: {error}{where}"
    if isinstance(error, RenderError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC):
        return RenderError(Status.TOO_LARGE, message)
    if isinstance(error, PermissionError):
        return RenderError(
            Status.FORBIDDEN, f"{message}: the sandbox allows its own directory only, no network, no process"
        )
    if "bad_alloc" in message or "Cannot allocate memory" in message or "can't start new thread" in message:
        return RenderError(Status.OUT_OF_MEMORY, message)
    return RenderError(Status.RUNTIME_ERROR, message)


class _ImageCapture:
    """Notice the images that code makes.

    Args:
        workspace: The private directory and the limits.
        decoded: Counts the images that the code brings along.
    """

    def __init__(self, workspace: Workspace, decoded: DecodedImages) -> None:
        self._workspace = workspace
        self._decoded = decoded
        self._pages = plotly_page.PlotlyPages(workspace.pixels)
        self._saved: Callable[[], Image.Image | Redirect] | None = None
        self._shown: Callable[[], Image.Image | Redirect] | None = None

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

    def image(self) -> Image.Image | Redirect:
        """Return the image that the code made.

        Raises:
            RenderError: If it made none.
        """
        for take in (self._saved, self._newest_file(), self._shown, self._open_figure()):
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

    # Libraries

    def _hook_matplotlib(self, plt: Any) -> None:
        figure_class = sys.modules["matplotlib.figure"].Figure
        save = figure_class.savefig

        def png_of(figure: Any, **options: Any) -> bytes:
            dpi = options.get("dpi") or sys.modules["matplotlib"].rcParams["savefig.dpi"]
            dpi = figure.dpi if dpi == "figure" else float(dpi)
            width, height = figure.get_size_inches() * dpi
            check_pixels(width, height, self._workspace.pixels)
            buffer = io.BytesIO()
            options = {key: value for key, value in options.items() if key not in ("backend", "metadata", "papertype")}
            save(figure, buffer, **{**options, "format": "png", "pil_kwargs": {"compress_level": 1}})
            return buffer.getvalue()

        def savefig(figure: Any, fname: Any, **options: Any) -> None:
            png = png_of(figure, **options)
            self._saved = self._own(png)
            if hasattr(fname, "write"):
                if options.get("format", "png") == "png":
                    fname.write(png)
                else:
                    save(figure, fname, **options)
            elif str(options.get("format") or Path(os.fspath(fname)).suffix.lstrip(".") or "png") == "png":
                Path(self._allowed_path(fname)).write_bytes(png)

        def show(*_: Any, **__: Any) -> None:
            if plt.get_fignums():
                self._shown = self._own(png_of(plt.gcf()))

        def show_figure(figure: Any, *_: Any, **__: Any) -> None:
            self._shown = self._own(png_of(figure))

        figure_class.savefig, figure_class.show = savefig, show_figure
        plt.show = show

        def refuse_tex(*_: Any, **__: Any) -> None:
            raise RenderError(Status.FORBIDDEN, "matplotlib's usetex runs LaTeX, and a script may start no program")

        importlib.import_module("matplotlib.texmanager").TexManager.__new__ = refuse_tex
        # a window system that the code asks for is not there, and is not needed
        matplotlib: Any = sys.modules["matplotlib"]
        matplotlib.use = plt.switch_backend = lambda *_, **__: None

    def _open_figure(self) -> Callable[[], Image.Image | Redirect] | None:
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
