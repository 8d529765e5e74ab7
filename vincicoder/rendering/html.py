"""HTML, rendered by a Chromium that is kept between pages and cut off from the network and the file system."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import shutil
import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from vincicoder.rendering.facts import within_limits
from vincicoder.rendering.page_images import PageImages, script_data
from vincicoder.rendering.page_marks import page_marks
from vincicoder.rendering.page_text import page_text
from vincicoder.rendering.renderer import Policy, Rendered, RenderError, Workspace, check_pixels
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image
    from playwright.sync_api import Browser, CDPSession, Page, Route

_PLACEHOLDER = "rick.jpg"  # the name that the WebSight data give to every image
_LAUNCH_MS = 60_000.0
_SETUP_SCRIPT = Path(__file__).with_name("page_setup.js")
_SETTLE = "__settle"  # the function that this script puts on every window

# Playwright's own downloads, then the programs themselves before the scripts that distributions put around them,
# whose flags differ from one system to the next.
_DOWNLOADED = (
    "chromium_headless_shell-*/*/chrome-headless-shell",
    "chromium_headless_shell-*/*/headless_shell",
    "chromium-*/*/chrome",
)
_INSTALLED = (
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "chromium",
    "chromium-browser",
    "google-chrome",
)

_FLAGS = (
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-sync",
    "--disable-lcd-text",
    "--renderer-process-limit=1",  # a process for each page costs more than all the rest
    "--disable-site-isolation-trials",  # all that a page holds is by one author; frames need no process each
    "--disable-webrtc",
    "--disk-cache-size=1",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--js-flags=--max-old-space-size=512",
    "--blink-settings=imageAnimationPolicy=2",  # animated GIFs stay at their first frame
    "--no-pings",
    "--no-proxy-server",
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
        browser: The Chromium to run, None to search for Playwright's own and then for an installed one.
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
        self._chromium: _Chromium | None = None

    def policy(self) -> Policy:
        """Return a policy with processes, sockets between them, and files of the browser, Playwright and the assets."""
        import playwright

        directories = [*_READ, str(Path(playwright.__file__).resolve().parent), str(_real(self._executable()).parent)]
        if self.assets is not None:
            directories.append(self.assets)
        return Policy(
            read=tuple(directories), processes=True, local_sockets=True, shared_memory=True, address_space=False
        )

    def preload(self) -> dict[str, Any]:
        """Import Playwright, search for a browser, make the placeholder and read the script that sets pages up.

        Raises:
            FileNotFoundError: If there is no browser.
        """
        import playwright.sync_api  # noqa: F401

        self._placeholder = _placeholder()
        self._setup_script = _SETUP_SCRIPT.read_text(encoding="utf-8")
        if self.assets is None:
            self.assets = str(Path.cwd() / "assets")
            Path(self.assets).mkdir()
        return {"browser": self._executable(), "playwright": version("playwright"), "assets_directory": self.assets}

    def open(self, workspace: Workspace) -> None:
        """Start the browser, confined, before the first job."""
        self._chromium = _Chromium(self._executable(), workspace, self._setup_script)

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
        handler = _RequestHandler(code, self._placeholder, options.get("assets") or {})
        with _as_render_errors(self._chromium), self._chromium.page(width, height, scale, handler) as (page, devtools):
            _load(page, devtools, workspace, handler.address)
            image = _screenshot(devtools, workspace, scale, (width, height), full_page)
            report = _settled(devtools)
            embedded = self._chromium.images.embedded_bytes(report["exported"])
            if report["painted"] and not options:  # the pages of other renderers paint by scripts of ours
                embedded += min(int(report["painted"]), script_data(code))
            facts = None
            if workspace.facts:
                facts = within_limits(page_text(devtools, scale), image.size, page_marks(devtools, scale))
            return Rendered(image, facts, embedded)

    def _executable(self) -> str:
        if self.browser is not None:
            found = shutil.which(self.browser)
            if found is None:
                raise FileNotFoundError(f"browser is {self.browser!r}, which is not a program that can be run")
            return found
        found = _downloaded() or next((path for path in map(shutil.which, _INSTALLED) if path), None)
        if found is None:
            raise FileNotFoundError(
                "no Chromium found: install one with `playwright install chromium` or from your distribution, or"
                " name it with the option `browser`"
            )
        return found


def _real(program: str) -> Path:
    return Path(program).resolve()


def _downloaded() -> str | None:
    """Return the newest browser that Playwright has downloaded."""
    directory = Path(os.environ["PLAYWRIGHT_BROWSERS_PATH"])
    for pattern in _DOWNLOADED:
        found = sorted(directory.glob(pattern), key=lambda path: int(path.parts[-3].rpartition("-")[2]))
        if found:
            return str(found[-1])
    return None


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


class _RequestHandler:
    """Answer the requests of one page.

    Args:
        code: The page.
        placeholder: JPEG for images that only have a name.
        assets: Names to files.
    """

    serial = 0

    def __init__(self, code: str, placeholder: bytes, assets: dict[str, str]) -> None:
        type(self).serial += 1
        self.address = f"http://r{self.serial:03d}.invalid/"
        self._document: bytes | None = code.encode("utf-8", "replace")
        self._placeholder = placeholder
        self._assets = assets

    def handle(self, route: Route) -> None:
        """Answer or refuse one request."""
        request = route.request
        name = urlsplit(request.url).path.rpartition("/")[2]
        if self._document is not None and request.url == self.address and request.is_navigation_request():
            body, self._document = self._document, None  # a page that loads itself again stays as it is
            headers = {"Content-Type": "text/html; charset=utf-8", "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}
            route.fulfill(body=body, headers=headers)
        elif name == _PLACEHOLDER:
            route.fulfill(body=self._placeholder, content_type="image/jpeg")
        elif name in self._assets:
            route.fulfill(path=self._assets[name])
        else:
            # "aborted" leaves the window where it is; anything else would show the browser's own error page
            route.abort("aborted" if request.is_navigation_request() else "failed")


class _Chromium:
    """A running browser with one page that is used again and again.

    Args:
        program: The browser.
        workspace: Directory for its profile.
        setup_script: JavaScript that runs in every page before the page's own.
    """

    def __init__(self, program: str, workspace: Workspace, setup_script: str) -> None:
        from playwright.sync_api import sync_playwright

        directories = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), str(workspace.cwd))
        self._browser: Browser = (
            sync_playwright()
            .start()
            .chromium.launch(
                executable_path=program,
                args=list(_FLAGS),
                ignore_default_args=["--disable-popup-blocking"],
                env={**os.environ, **directories},
                chromium_sandbox=False,
                timeout=_LAUNCH_MS,
            )
        )
        self.crashed = False
        self._killed = False
        self._targets = self._browser.new_browser_cdp_session()
        self._targets.on("Target.targetCrashed", self._target_crashed)
        self._targets.send("Target.setDiscoverTargets", {"discover": True})
        self._handler: _RequestHandler | None = None
        self._page = self._new_page(setup_script)
        self._devtools = self._page.context.new_cdp_session(self._page)
        self.images = PageImages(self._devtools)
        self._window = (0, 0, 0.0)

    @property
    def alive(self) -> bool:
        """Whether the browser still runs."""
        return self._browser.is_connected()

    def _new_page(self, setup_script: str) -> Page:
        context = self._browser.new_context(
            no_viewport=True,
            service_workers="block",
            accept_downloads=False,
            locale="en-US",
            timezone_id="UTC",
            reduced_motion="no-preference",
            color_scheme="light",
        )
        context.add_init_script(setup_script)
        context.route("**/*", self._route)
        page = context.new_page()
        page.on("crash", self._crash)
        context.on("page", lambda popup: popup.close())
        return page

    def _route(self, route: Route) -> None:
        if self._handler is None:
            route.abort("aborted")
        else:
            self._handler.handle(route)

    def _crash(self, _: Page) -> None:
        self.crashed = True

    def _target_crashed(self, event: dict[str, Any]) -> None:
        self._killed = self._killed or event["errorCode"] == signal.SIGKILL

    def was_killed(self) -> bool:
        """Whether a page's process was killed from outside, as when a machine runs out of memory; no page can do that.

        One that runs into its own limit ends by another signal.
        """
        self._targets.send("Browser.getVersion")  # what happened before its answer has been heard of then
        return self._killed

    @contextlib.contextmanager
    def page(
        self, width: int, height: int, scale: float, handler: _RequestHandler
    ) -> Iterator[tuple[Page, CDPSession]]:
        """Yield an empty page of this size with its developer tools, and empty it again afterwards."""
        self._handler = handler
        self.images.forget()
        if self._window != (width, height, scale):
            self._window = width, height, scale
            metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
            self._devtools.send("Emulation.setDeviceMetricsOverride", metrics)
        yield self._page, self._devtools
        self._handler = None
        self._page.goto("about:blank")  # ends its scripts, which would go on using the CPU
        self._devtools.send("Page.resetNavigationHistory")


@contextlib.contextmanager
def _as_render_errors(chromium: _Chromium) -> Iterator[None]:
    """Turn Playwright's errors into the statuses that they stand for."""
    from playwright.sync_api import Error, TimeoutError

    try:
        yield
    except TimeoutError as error:
        raise RenderError(Status.TIMEOUT, f"the page did not come to rest: {_first_line(error)}") from None
    except Error as error:
        if (chromium.crashed or "crashed" in str(error)) and chromium.alive:
            with contextlib.suppress(Error):  # the browser itself may end meanwhile
                if chromium.was_killed():
                    raise RenderError(Status.INFRASTRUCTURE, "the page's process was killed from outside") from None
            raise RenderError(Status.OUT_OF_MEMORY, "the page's process ended, as it does without memory") from None
        # Nothing closes pages but the end of the browser, which may not have been noticed yet.
        if not chromium.alive or "has been closed" in str(error):
            raise RenderError(Status.INFRASTRUCTURE, "the browser ended") from None
        raise RenderError(Status.RUNTIME_ERROR, _first_line(error)) from None


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _load(page: Page, devtools: CDPSession, workspace: Workspace, address: str) -> None:
    """Load a page and let it come to rest."""
    page.goto(address, wait_until="load", timeout=workspace.wall_seconds * 1000)
    _settled(devtools)


def _settled(devtools: CDPSession) -> dict[str, Any]:
    """Wait for the page to come to rest, once, and return what ``page_setup.js`` has noticed of its scripts by now."""
    call = {"expression": f"{_SETTLE}()", "awaitPromise": True, "returnByValue": True}
    return devtools.send("Runtime.evaluate", call)["result"].get("value") or {"painted": 0, "exported": []}


def _screenshot(
    devtools: CDPSession, workspace: Workspace, scale: float, window: tuple[int, int], full_page: bool
) -> Image.Image:
    """Return the image of the window, or with ``full_page`` that of all the page's content."""
    from PIL import Image

    size = window
    if full_page:
        content = devtools.send("Page.getLayoutMetrics")["cssContentSize"]
        size = max(window[0], content["width"]), max(window[1], content["height"])
        check_pixels(size[0] * scale, size[1] * scale, workspace.pixels)
    shot = {
        "format": "png",
        "optimizeForSpeed": True,
        "captureBeyondViewport": size != window,
        "clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1},
    }
    png = base64.b64decode(devtools.send("Page.captureScreenshot", shot)["data"])
    image: Image.Image = Image.open(io.BytesIO(png))
    check_pixels(*image.size, workspace.pixels)
    return image
