"""A confined Chromium that renders page after page, and what answers its requests."""

from __future__ import annotations

import base64
import contextlib
import functools
import mimetypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from vincicoder.rendering.devtools import BrowserEnded, Connection, DevToolsError, Json, Session
from vincicoder.rendering.page_images import PageImages
from vincicoder.rendering.renderer import Workspace
from vincicoder.rendering.sandbox import processes
from vincicoder.rendering.sandbox.child import KILLED

PLACEHOLDER = "rick.jpg"
"""The name that the WebSight data give to every image."""

_LAUNCH_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_FLAGS = (
    "--headless",
    "--no-startup-window",
    "--no-sandbox",  # it could make no namespaces: what confines all of it is ours
    "--hide-scrollbars",
    "--mute-audio",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--disable-dev-shm-usage",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
    "--blink-settings=imageAnimationPolicy=2",  # animated GIFs stay at their first frame
    "--enable-features=CDPScreenshotNewSurface,NetworkServiceInProcess2",  # no process for what answers nothing
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,PaintHolding,ThirdPartyStoragePartitioning,"
    "MediaRouter,OptimizationHints,NetworkTimeServiceQuerying,PreconnectToSearch,LensOverlay,"
    "RenderDocument,"  # a frame host for each page takes 20 ms; what parts pages is their origins
    "ScriptStreaming",  # plotly's script would be parsed again for each figure, for 100 ms, though it is known
    "--js-flags=--max-old-space-size=512",
    "--renderer-process-limit=1",  # a process for each page costs more than all the rest
    "--disable-site-isolation-trials",  # all that a page holds is by one author; frames need no process each
    # nothing is put off, held back or kept for later
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-back-forward-cache",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-prompt-on-repost",
    "--allow-pre-commit-input",
    "--disk-cache-size=1",
    # nothing runs that pages do not need
    "--disable-field-trial-config",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-search-engine-choice-screen",
    "--disable-stack-profiler",
    "--disable-sync",
    "--disable-webrtc",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-proxy-server",
    "--password-store=basic",
)
_FONTS = {  # those of a Chromium on a desktop, wherever it runs
    "standard": "Times New Roman",
    "fixed": "Monospace",
    "serif": "Times New Roman",
    "sansSerif": "Arial",
    "cursive": "Comic Sans MS",
    "fantasy": "Impact",
}
_MEDIA = {
    "prefers-color-scheme": "light",
    "prefers-reduced-motion": "no-preference",
    "forced-colors": "none",
    "prefers-contrast": "no-preference",
}
_ATTACH = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}


class PageCrashed(Exception):
    """The page's process has ended, so that nothing more is to be had of it."""


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

    def handle(self, event: Json, session: Session) -> None:
        """Answer or refuse one request.

        Args:
            event: ``Fetch.requestPaused``.
            session: Whose request it is.
        """
        request, navigation = event["request"], event["resourceType"] == "Document"
        name = urlsplit(request["url"]).path.rpartition("/")[2]
        if self._document is not None and request["url"] == self.address and navigation:
            body, self._document = self._document, None  # a page that loads itself again stays as it is
            headers = {"Content-Type": "text/html; charset=utf-8", "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}
            _fulfill(session, event, base64.b64encode(body), headers)
        elif name == PLACEHOLDER:
            _fulfill(session, event, base64.b64encode(self._placeholder), {"Content-Type": "image/jpeg"})
        elif name in self._assets:
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            _fulfill(session, event, _asset(self._assets[name]), {"Content-Type": kind})
        else:
            refuse(event, session)


def refuse(event: Json, session: Session) -> None:
    """Refuse one request."""
    # "Aborted" leaves the window where it is; anything else would show the browser's own error page.
    reason = "Aborted" if event["resourceType"] == "Document" else "Failed"
    session.post("Fetch.failRequest", {"requestId": event["requestId"], "errorReason": reason})


def _fulfill(session: Session, event: Json, body: bytes, headers: dict[str, str]) -> None:
    """Answer a request, also of scripts, frames and images that ask whether another origin may have it."""
    origin = next((value for name, value in event["request"]["headers"].items() if name.lower() == "origin"), None)
    if origin is not None:
        headers |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}
    found = [{"name": name, "value": value} for name, value in headers.items()]
    answer = {"requestId": event["requestId"], "responseCode": 200, "responseHeaders": found}
    session.post("Fetch.fulfillRequest", answer, body)


@functools.lru_cache(maxsize=4)
def _asset(path: str) -> bytes:
    return base64.b64encode(Path(path).read_bytes())


class Chromium:
    """A running browser with one page that is used again and again.

    Args:
        program: The browser.
        workspace: Directory for its profile.
        setup_script: JavaScript that runs in every page before the page's own.
    """

    def __init__(self, program: str, workspace: Workspace, setup_script: str) -> None:
        directory = str(workspace.cwd)
        directories = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), directory)
        flags = (*_FLAGS, f"--user-data-dir={directory}/profile")
        self._connection = Connection(program, flags, {**os.environ, **directories})
        self._browser = Session(self._connection)
        try:
            self._browser.send("Browser.getVersion", seconds=_LAUNCH_SECONDS)
        except BrowserEnded:
            raise BrowserEnded(f"{program} does not start: {self._connection.log()}") from None
        self.crashed = False
        self._handler: RequestHandler | None = None
        self._loaded = ""
        self._setup_script = setup_script
        self._target = ""
        self._page = self._browser  # until it has one
        self._open_page()
        self.images = PageImages(self._connection, self._page)
        self._helpers = _helpers()
        signal.signal(signal.SIGALRM, self._look_after_helpers)  # what waits for one that is gone may wait for ever
        signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
        self._window = (0, 0, 0.0)

    @property
    def frame(self) -> str:
        """The number of the page's frame, which is that of the page."""
        return self._target

    @property
    def alive(self) -> bool:
        """Whether the browser still runs, as far as has been noticed."""
        return not self._connection.ended

    def _open_page(self) -> None:
        on = self._connection.on
        on("Fetch.requestPaused", self._request)
        on("Target.attachedToTarget", self._attached)
        on("Target.targetCrashed", self._target_crashed)
        on("Inspector.targetCrashed", self._session_crashed)
        on("Page.lifecycleEvent", self._lifecycle)
        on("Page.javascriptDialogOpening", lambda _, page: page.post("Page.handleJavaScriptDialog", {"accept": True}))
        self._browser.send("Target.setDiscoverTargets", {"discover": True})
        context = self._browser.send("Target.createBrowserContext", {"disposeOnDetach": True})["browserContextId"]
        self._browser.send("Browser.setDownloadBehavior", {"behavior": "deny", "browserContextId": context})
        self._browser.send("Target.setAutoAttach", _ATTACH)
        self._browser.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        page = self._page
        page.send("Page.setLifecycleEventsEnabled", {"enabled": True})
        page.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        page.send("Emulation.setUserAgentOverride", {"userAgent": "", "acceptLanguage": "en-US"})
        page.send("Emulation.setLocaleOverride", {"locale": "en-US"})
        page.send("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})
        page.send("Page.setFontFamilies", {"fontFamilies": _FONTS})
        features = [{"name": name, "value": value} for name, value in _MEDIA.items()]
        page.send("Emulation.setEmulatedMedia", {"media": "", "features": features})
        self._prepare(page.send)
        page.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _prepare(self, command: Callable[[str, Json], object]) -> None:
        """Set up a page, or a frame or a worker in it, whose requests are answered here as well.

        Args:
            command: Sends a command to it.
        """
        for method, params in (
            ("Target.setAutoAttach", _ATTACH),
            ("Fetch.enable", {"patterns": [{"urlPattern": "*", "requestStage": "Request"}]}),
            ("Page.enable", {}),
            ("Page.addScriptToEvaluateOnNewDocument", {"source": self._setup_script}),
            ("Runtime.runIfWaitingForDebugger", {}),
        ):
            command(method, params)

    def _attached(self, event: Json, _: Session) -> None:
        target = event["targetInfo"]
        session = Session(self._connection, event["sessionId"])
        if target["type"] != "page":
            self._prepare(session.post)  # what a worker refuses is for pages only
        elif not self._target:
            self._target, self._page = target["targetId"], session
        else:  # a window that nobody will see
            self._browser.post("Target.closeTarget", {"targetId": target["targetId"]})

    def _request(self, event: Json, session: Session) -> None:
        if self._handler is None:
            refuse(event, session)
        else:
            self._handler.handle(event, session)

    def _lifecycle(self, event: Json, _: Session) -> None:
        if event["name"] == "load" and event["frameId"] == self.frame:
            self._loaded = event["loaderId"]

    def _session_crashed(self, _: Json, session: Session) -> None:
        """End what waits for the page, once; a worker that ends is told of in the same way."""
        if session.name == self._page.name and not self.crashed:
            self.crashed = True
            raise PageCrashed

    def _target_crashed(self, event: Json, _: Session) -> None:
        """End with a page's process that was killed: no page can do that, and a limit of its own ends it otherwise."""
        if event["errorCode"] == signal.SIGKILL:
            os._exit(KILLED)

    def _look_after_helpers(self, *_: object) -> None:
        if not self._helpers <= _helpers():
            os._exit(KILLED)

    def end_if_killed(self) -> None:
        """End this process if one of the browser's was killed from outside, as when a machine runs out of memory."""
        self._browser.send("Browser.getVersion")  # what happened before its answer has been heard of then
        self._look_after_helpers()

    @contextlib.contextmanager
    def page(self, width: int, height: int, scale: float, handler: RequestHandler) -> Iterator[Session]:
        """Yield the developer tools of an empty page of this size, and empty it again afterwards."""
        self._handler = handler
        self.images.forget()
        if self._window != (width, height, scale):
            self._window = width, height, scale
            metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
            self._page.send("Emulation.setDeviceMetricsOverride", metrics)
        yield self._page
        self._handler = None
        self.load("about:blank")  # ends its scripts, which would go on using the CPU
        self._page.send("Page.resetNavigationHistory")

    def load(self, address: str, seconds: float | None = None) -> None:
        """Load the page that the handler has, with all that it asks for, or what it puts in its place.

        Raises:
            DevToolsError: If there is no such page.
            PageCrashed: If its process ends.
            TimeoutError: If it takes longer than that.
        """
        started = time.monotonic()
        answer = self._page.send("Page.navigate", {"url": address}, seconds)
        if "errorText" in answer:
            raise DevToolsError(answer["errorText"])
        if self._loaded != answer["loaderId"]:
            self._loaded = ""  # a load from now on is this page's or a later one's, as frames may replace it
            left = None if seconds is None else started + seconds - time.monotonic()
            self._connection.wait(lambda _: bool(self._loaded), left)


def _helpers() -> set[int]:
    """Return the browser's processes that no page can end: those that start pages' processes."""
    found = set()
    for pid in processes.descendants(os.getpid()):
        with contextlib.suppress(OSError):
            if b"--type=zygote" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found
