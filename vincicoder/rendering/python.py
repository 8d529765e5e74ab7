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
import re
import sys
import traceback
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from vincicoder.rendering import clock, plotly_page
from vincicoder.rendering.python_capture import ImageCapture
from vincicoder.rendering.python_images import DecodedImages
from vincicoder.rendering.renderer import Policy, Redirect, Rendered, RenderError, Workspace
from vincicoder.status import Status

_PLAIN = (
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
)
_PRELOAD = (
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
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+(\w.*))", re.MULTILINE)
_WORDS = re.compile(
    r"pandas|scipy|seaborn|networkx|plotly|rdkit|indigo|__import__|import_module"
    r"|rocket|mako|icefire|vlag|flare|crest"  # colours that seaborn gives to matplotlib
)
_PLAIN_MODULES = {"numpy", "matplotlib", "mpl_toolkits", "PIL", *sys.stdlib_module_names}
_NAME = "response.py"
_CJK_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Source Han Sans SC")


class PythonRenderer:
    """Run a script and take the image that it makes. It may start no process and open no socket."""

    jobs_per_child: ClassVar[int] = 1
    redirects_to: ClassVar[tuple[str, ...]] = ("html", "svg")

    def policy(self) -> Policy:
        """Return a policy that allows files and threads only."""
        return Policy()

    @staticmethod
    def is_plain(code: str) -> bool:
        r"""Return whether a script needs no more than `preload_plain` loads, as most charts do.

        Example:
            >>> PythonRenderer.is_plain("import os, numpy as np\nfrom matplotlib import pyplot")
            True
            >>> PythonRenderer.is_plain("import seaborn")
            False
        """
        imported = {name for match in _IMPORT.finditer(code) for name in _names(match[1] or match[2])}
        return imported <= _PLAIN_MODULES and not _WORDS.search(code)

    def preload_plain(self) -> None:
        """Import matplotlib and what it needs, and plot once to warm its caches."""
        _import(_PLAIN)
        if "matplotlib" in sys.modules:
            _warm_matplotlib()

    def preload(self) -> dict[str, Any]:
        """Import whatever else this interpreter has to draw with.

        Raises:
            ModuleNotFoundError: If it has no matplotlib, without which honest answers would all seem to fail.
        """
        versions = {}
        _import(_PRELOAD)
        for warm in (_warm_plotly, _warm_rdkit):
            with contextlib.suppress(Exception):  # what is missing or fails here is a script's own affair
                warm()
        for name in ("matplotlib", "seaborn", "plotly", "rdkit", "indigo", "numpy", "pandas"):
            if name in sys.modules:
                versions[name] = str(getattr(sys.modules[name], "__version__", "present"))
        if "matplotlib" not in versions:
            raise ModuleNotFoundError(f"matplotlib is missing: {sys.executable} -m pip install matplotlib")
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
        capture = ImageCapture(workspace, decoded)
        decoded.install()
        capture.install()
        clock.install()
        linecache.cache[_NAME] = (len(code), None, code.splitlines(keepends=True), _NAME)
        _run(program)
        made = capture.image()
        if isinstance(made, Redirect):
            return made
        rendered = made if isinstance(made, Rendered) else Rendered(made)
        return replace(rendered, embedded_bytes=decoded.embedded_bytes)


def _names(imported: str) -> list[str]:
    """Return the packages of ``a.b as c, d``."""
    return [each.split()[0].partition(".")[0] for each in imported.split(",") if each.strip()]


def _import(names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _warm_matplotlib() -> None:
    from matplotlib import font_manager
    from matplotlib import pyplot as plt

    _add_cjk_fallback(font_manager.fontManager)
    plt.figure().add_subplot().set_title("warm $x^2$")
    plt.savefig(io.BytesIO(), format="png")
    plt.close("all")


def _warm_plotly() -> None:
    """Let plotly read its own descriptions and templates, for which the first figure of a process takes 0.1 s."""
    graphs, express = (importlib.import_module(f"plotly.{name}") for name in ("graph_objects", "express"))
    layout = {"title": {"text": "warm"}, "template": "plotly_white"}
    graphs.Figure(data=[graphs.Scatter(x=[0], y=[0])], layout=layout).to_json()
    express.scatter(x=[0], y=[0]).to_json()


def _warm_rdkit() -> None:
    chem, draw = (importlib.import_module(name) for name in ("rdkit.Chem", "rdkit.Chem.Draw"))
    draw.MolToImage(chem.MolFromSmiles("CO"))


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
