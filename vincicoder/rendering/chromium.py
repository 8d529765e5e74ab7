"""A confined Chromium that renders page after page, and what answers its requests."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vincicoder.rendering.page_images import PageImages
from vincicoder.rendering.renderer import Workspace
from vincicoder.rendering.sandbox import processes
from vincicoder.rendering.sandbox.child import KILLED

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page, Route

PLACEHOLDER = "rick.jpg"
"""The name that the WebSight data give to every image."""

_LAUNCH_MS = 60_000.0
_LOOK_SECONDS = 0.5
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


class RequestHandler:
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
        elif name == PLACEHOLDER:
            route.fulfill(body=self._placeholder, content_type="image/jpeg")
        elif name in self._assets:
            route.fulfill(path=self._assets[name])
        else:
            # "aborted" leaves the window where it is; anything else would show the browser's own error page
            route.abort("aborted" if request.is_navigation_request() else "failed")


class Chromium:
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
        self._targets = self._browser.new_browser_cdp_session()
        self._targets.on("Target.targetCrashed", self._target_crashed)
        self._targets.send("Target.setDiscoverTargets", {"discover": True})
        self._handler: RequestHandler | None = None
        self._page = self._new_page(setup_script)
        self._devtools = self._page.context.new_cdp_session(self._page)
        self.images = PageImages(self._devtools)
        self._helpers = _helpers()
        signal.signal(signal.SIGALRM, self._look_after_helpers)  # what waits for one that is gone may wait for ever
        signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
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
        """End with a page's process that was killed: no page can do that, and a limit of its own ends it otherwise."""
        if event["errorCode"] == signal.SIGKILL:
            os._exit(KILLED)

    def _look_after_helpers(self, *_: object) -> None:
        if not self._helpers <= _helpers():
            os._exit(KILLED)

    def end_if_killed(self) -> None:
        """End this process if one of the browser's was killed from outside, as when a machine runs out of memory."""
        self._targets.send("Browser.getVersion")  # what happened before its answer has been heard of then
        self._look_after_helpers()

    @contextlib.contextmanager
    def page(self, width: int, height: int, scale: float, handler: RequestHandler) -> Iterator[tuple[Page, CDPSession]]:
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


def _helpers() -> set[int]:
    """Return the browser's processes that no page can end: those that start pages' processes, and the network's."""
    found = set()
    for pid in processes.descendants(os.getpid()):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"--type=zygote" in command or b"network.mojom.NetworkService" in command:
                found.add(pid)
    return found
