"""HTML, rendered by a Chromium that is kept between pages and cut off from the network and the file system."""

from __future__ import annotations

import base64
import contextlib
import io
import mimetypes
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vincicoder.rendering.chromium import Chromium, PageCrashed, RequestHandler
from vincicoder.rendering.devtools import DevToolsError, Json, Session
from vincicoder.rendering.facts import within_limits
from vincicoder.rendering.page_images import script_data
from vincicoder.rendering.page_marks import page_marks
from vincicoder.rendering.page_text import page_text
from vincicoder.rendering.renderer import Policy, Rendered, RenderError, Workspace, check_pixels
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

_SETUP_SCRIPT = Path(__file__).with_name("page_setup.js")
_SHRUNK = 4
_PAUSES = (0.02, 0.1, 0.5)  # seconds between attempts to capture a page
_REPORTED_ERROR = "data-syntax-error"  # dataset.syntaxError of the root element
_LONGEST_MESSAGE = 500
_SETTLE = "__settle"  # the function that this script puts on every window

# A headless shell takes half the CPU time of a whole browser for the same image. Of the whole ones, the programs
# themselves come before the scripts that distributions put around them, whose flags differ from one system to the next.
_SHELLS_DOWNLOADED = (
    "chromium_headless_shell-*/*/chrome-headless-shell",
    "chromium_headless_shell-*/*/headless_shell",
)
_SHELLS_INSTALLED = ("/usr/lib/chromium/chromium-headless-shell", "chromium-headless-shell", "chrome-headless-shell")
_DOWNLOADED = ("chromium-*/*/chrome",)
_INSTALLED = (
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "chromium",
    "chromium-browser",
    "google-chrome",
)

# /proc: the browser checks on its own processes there; pages cannot open files.
_READ = (
    "/proc",
    "/etc/chromium",
    "/etc/chromium.d",
    "/etc/chromium-browser",
    "/etc/opt/chrome",
    "/usr/local/share/fonts",
)


class HtmlRenderer:
    """Render whole pages at a fixed width. Pages see a fixed date, fixed random numbers and no network.

    Every page has an origin of its own, so that nothing it stores is seen by the next. Only two kinds of address
    are answered: those that end in ``rick.jpg``, by a neutral image, and the names in ``options["assets"]``.

    Args:
        browser: The Chromium to run, None to search: for a headless shell first, of Playwright's or of the system's,
            and then for a whole browser.
        width: Width of the window in CSS pixels.
        height: Height of the window; the image is as high as the page, and at least this.
        assets: Directory with the files that ``options["assets"]`` may name; None for one of the server's own, which
            ``preload`` names as ``assets_directory``.
    """

    jobs_per_child: ClassVar[int] = 100

    def __init__(
        self, browser: str | None = None, width: int = 1280, height: int = 720, assets: str | None = None
    ) -> None:
        self.browser = browser
        self.width = width
        self.height = height
        self.assets = assets
        self._placeholder = b""
        self._setup_script = ""
        self._chromium: Chromium | None = None

    def policy(self) -> Policy:
        """Return a policy with processes, sockets between them, and the files of the browser and the assets."""
        directories = [*_READ, str(_real(self._executable()).parent)]
        if self.assets is not None:
            directories.append(self.assets)
        return Policy(
            read=tuple(directories), processes=True, local_sockets=True, shared_memory=True, address_space=False
        )

    def preload(self) -> dict[str, Any]:
        """Search for a browser, make the placeholder and read what a confined process may not.

        Raises:
            FileNotFoundError: If there is no browser.
        """
        mimetypes.init()
        self._placeholder = _placeholder()
        self._setup_script = _SETUP_SCRIPT.read_text(encoding="utf-8")
        if self.assets is None:
            self.assets = str(Path.cwd() / "assets")
            Path(self.assets).mkdir()
        return {"browser": self._executable(), "assets_directory": self.assets}

    def open(self, workspace: Workspace) -> None:
        """Start the browser, confined, before the first job."""
        self._chromium = Chromium(self._executable(), workspace, self._setup_script)

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Rendered:
        """Render one page.

        Args:
            code: HTML, also a fragment.
            workspace: The directory and the limits.
            options: ``width``, ``height`` and ``scale`` for an image of exactly that window instead of the whole
                page; ``assets``, names to files in the directory of assets.
        """
        assert self._chromium is not None, "open() comes first"
        scale = float(options.get("scale") or 1.0)
        width, height = int(options.get("width") or self.width), int(options.get("height") or self.height)
        full_page = not options.get("height")
        check_pixels(width * scale, height * scale, workspace.pixels)
        handler = RequestHandler(code, self._placeholder, options.get("assets") or {})
        with _as_render_errors(self._chromium), self._chromium.page(width, height, scale, handler) as devtools:
            self._chromium.load(handler.address, workspace.wall_seconds)
            _settled(devtools)
            image, scale = _screenshot(devtools, workspace, scale, (width, height), full_page)
            report = _settled(devtools)
            if options and (error := _reported_error(devtools)):
                raise RenderError(Status.SYNTAX_ERROR, error)
            embedded = self._chromium.images.embedded_bytes(report["exported"])
            if report["painted"] and not options:  # the pages of other renderers paint by scripts of ours
                embedded += min(int(report["painted"]), script_data(code))
            facts = None
            if workspace.facts:
                facts = within_limits(
                    page_text(devtools, scale), image.size, page_marks(devtools, self._chromium.frame, scale)
                )
            return Rendered(image, facts, embedded)

    def _executable(self) -> str:
        if self.browser is not None:
            found = shutil.which(self.browser)
            if found is None:
                raise FileNotFoundError(f"browser is {self.browser!r}, which is not a program that can be run")
            return found
        found = (
            _downloaded(_SHELLS_DOWNLOADED)
            or _installed(_SHELLS_INSTALLED)
            or _downloaded(_DOWNLOADED)
            or _installed(_INSTALLED)
        )
        if found is None:
            raise FileNotFoundError(
                "no Chromium found: install one with `playwright install chromium` or from your distribution, or"
                " name it with the option `browser`"
            )
        return found


def _real(program: str) -> Path:
    return Path(program).resolve()


def _downloaded(patterns: Sequence[str]) -> str | None:
    """Return the newest browser of the first of these that Playwright has downloaded."""
    directory = Path(os.environ["PLAYWRIGHT_BROWSERS_PATH"])
    for pattern in patterns:
        found = sorted(directory.glob(pattern), key=lambda path: int(path.parts[-3].rpartition("-")[2]))
        if found:
            return str(found[-1])
    return None


def _installed(programs: Sequence[str]) -> str | None:
    """Return the first of these programs that is there."""
    return next((path for path in map(shutil.which, programs) if path), None)


def _placeholder() -> bytes:
    """Return an image in place of those that a page can only name: hills under a sun, in greys."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (300, 200), (222, 224, 228))
    draw = ImageDraw.Draw(image)
    draw.ellipse((205, 35, 245, 75), fill=(240, 241, 243))
    draw.polygon([(0, 200), (0, 150), (95, 70), (215, 200)], fill=(196, 200, 206))
    draw.polygon([(130, 200), (220, 105), (300, 165), (300, 200)], fill=(180, 185, 192))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    return data.getvalue()


def _captured(devtools: Session, shot: Json) -> bytes:
    """Return a PNG of the page, which Chromium now and then has no frame for, by chance and at no fault of the page.

    Beside 2,000 new processes that was one page of 1,800.
    """
    for pause in _PAUSES:
        with contextlib.suppress(DevToolsError):  # one that has ended says so again
            return base64.b64decode(devtools.send("Page.captureScreenshot", shot)["data"])
        time.sleep(pause)
    return base64.b64decode(devtools.send("Page.captureScreenshot", shot)["data"])


@contextlib.contextmanager
def _as_render_errors(chromium: Chromium) -> Iterator[None]:
    """Turn the browser's errors into the statuses that they stand for."""
    try:
        yield
    except TimeoutError as error:
        raise RenderError(Status.TIMEOUT, f"the page did not come to rest: {error}") from None
    except (DevToolsError, PageCrashed) as error:
        with contextlib.suppress(DevToolsError):  # the browser itself may have ended
            chromium.end_if_killed()
        if not chromium.alive:
            raise RenderError(Status.INFRASTRUCTURE, "the browser ended") from None
        if chromium.crashed:
            raise RenderError(Status.OUT_OF_MEMORY, "the page's process ended, as it does without memory") from None
        raise RenderError(Status.RUNTIME_ERROR, str(error)) from None


def _settled(devtools: Session) -> Json:
    """Wait for the page to come to rest, once, and return what ``page_setup.js`` has noticed of its scripts by now."""
    call = {"expression": f"{_SETTLE}()", "awaitPromise": True, "returnByValue": True}
    return devtools.send("Runtime.evaluate", call)["result"].get("value") or {"painted": 0, "exported": []}


def _reported_error(devtools: Session) -> str:
    """Return what a renderer's page says of the code that it was made for; see ``Redirect``."""
    for node in devtools.send("DOM.getDocument", {"depth": 1})["root"]["children"]:
        if node["nodeName"] == "HTML":
            attributes = dict(zip(node["attributes"][::2], node["attributes"][1::2], strict=True))
            return str(attributes.get(_REPORTED_ERROR, ""))[:_LONGEST_MESSAGE]
    return ""


def _screenshot(
    devtools: Session, workspace: Workspace, scale: float, window: tuple[int, int], full_page: bool
) -> tuple[Image.Image, float]:
    """Return the image of the window, or with ``full_page`` that of all the page's content, and its scale.

    A page with more pixels than are allowed is shrunk to as many, up to ``_SHRUNK`` times as many.
    """
    from PIL import Image

    size, shrunk = window, 1.0
    if full_page:
        content = devtools.send("Page.getLayoutMetrics")["cssContentSize"]
        size = max(window[0], content["width"]), max(window[1], content["height"])
        pixels = size[0] * scale * size[1] * scale
        if workspace.pixels < pixels <= _SHRUNK * workspace.pixels:
            shrunk = 0.999 * (workspace.pixels / pixels) ** 0.5  # a part of a pixel becomes a whole one
        check_pixels(size[0] * scale * shrunk, size[1] * scale * shrunk, workspace.pixels)
    shot = {
        "format": "png",
        "optimizeForSpeed": True,
        "captureBeyondViewport": size != window,
        "clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": shrunk},
    }
    image: Image.Image = Image.open(io.BytesIO(_captured(devtools, shot)))
    check_pixels(*image.size, workspace.pixels)
    return image, scale * shrunk
