"""The client of a fork server: start it, send jobs from any thread, read images, notice its death."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vincicoder.errors import RendererUnavailable, SandboxUnavailable
from vincicoder.rendering.config import Limits, SandboxConfig
from vincicoder.rendering.facts import Facts, FactsError
from vincicoder.rendering.renderer import Redirect
from vincicoder.status import Status

from . import child, confine, server, wire

_START_SECONDS = 180.0


class ServerDied(Exception):
    """A fork server ended with work unfinished; the work can be done again by another."""


@dataclass(frozen=True)
class JobResult:
    """What came of one job.

    Attributes:
        status: Outcome.
        message: Why there is no image.
        size: Width and height of the image in pixels, or None.
        pixels: Its bytes, RGB row by row, or None.
        redirect: What another renderer must render instead, or None.
        facts: What the renderer knows of the image, checked, or None.
        note: Why facts were dropped; empty if none were.
        seconds: Wall time in the child.
        cpu_seconds: CPU time of the child and what it started.
    """

    status: Status
    message: str = ""
    size: tuple[int, int] | None = None
    pixels: bytes | None = None
    redirect: Redirect | None = None
    facts: Facts | None = None
    note: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def require_confinement() -> None:
    """Check that this kernel can confine code.

    Raises:
        SandboxUnavailable: If it cannot; the message says what is missing.
    """
    problems = confine.layers().problems
    if problems:
        raise SandboxUnavailable(
            " ".join(problems) + " Generated code is not run unconfined; if this machine holds nothing of value and"
            " you accept that the code can do whatever you can, pass allow_unsandboxed=True."
        )


def _clean_environment(cache: Path) -> dict[str, str]:
    """An environment without the secrets of this process, and with everything fixed that changes an image."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(cache),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "XDG_CACHE_HOME": str(cache),
        "PLAYWRIGHT_BROWSERS_PATH": os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or str(_user_cache() / "ms-playwright"),
        "SOURCE_DATE_EPOCH": "1735689600",
        "FORCE_SOURCE_DATE": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS"), "1"),
    }


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def cache_directory() -> Path:
    """Return the directory for what is worth keeping between runs, such as matplotlib's list of fonts."""
    directory = _user_cache() / "vincicoder"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        directory = Path(tempfile.gettempdir()) / f"vincicoder-cache-{os.getuid()}"
        directory.mkdir(mode=0o700, exist_ok=True)
    return directory


class ForkServer:
    """A running fork server for one renderer.

    Args:
        renderer: The renderer class as ``"module:attribute"``, importable with the standard library alone.
        options: Keyword arguments of the class, JSON-ready.
        limits: The limits of each job.
        sandbox: How children are confined.
        jobs_per_child: Jobs after which a confined child is replaced; 1 for a fresh child each time.
        redirects_to: Languages whose renderers it may leave code to; see ``Redirect``.
        path: Directories that the renderer's module is imported from, if it is another package's.
        interpreter: The Python to run it, None for this one.

    Raises:
        RendererUnavailable: If it does not start; the message holds the reason that it gave.
    """

    def __init__(
        self,
        renderer: str,
        options: dict[str, Any],
        limits: Limits,
        sandbox: SandboxConfig,
        jobs_per_child: int = 1,
        redirects_to: Sequence[str] = (),
        path: Sequence[str] = (),
        interpreter: str | None = None,
    ) -> None:
        name = renderer.partition(":")[2]
        self.redirects_to = tuple(redirects_to)
        self.root = Path(tempfile.mkdtemp(prefix="vincicoder-"))
        self._lock = threading.Lock()
        self._send_lock = threading.Lock()  # apart, since the reader must go on while a long job is being sent
        self._pixels = limits.pixels
        self._pending: dict[int, Future[wire.Message]] = {}
        self._serial = 0
        self._dead = False
        config = {
            "renderer": renderer,
            "options": options,
            "limits": asdict(limits),
            "jobs_per_child": jobs_per_child,
            "confined": not sandbox.allow_unsandboxed,
            "namespaces": sandbox.namespaces,
            "nice": sandbox.nice,
            "root": str(self.root),
            # PYTHONPATH, user site and --target directories, which a clean environment does not name
            "path": [*([] if interpreter else server.library_directories()), *path],
        }
        self._sock, theirs = socket.socketpair()
        try:
            self._process = self._start(interpreter or sys.executable, theirs, config)
            theirs.close()  # or its end would never be seen from here
            self.details: dict[str, Any] = self._handshake(f"{name} under {interpreter or sys.executable}")
        except BaseException:
            self._sock.close()
            server.remove_tree(self.root)
            raise
        finally:
            theirs.close()
        self._reader = threading.Thread(target=self._read, name=f"vincicoder-{name}", daemon=True)
        self._reader.start()

    def _start(self, interpreter: str, theirs: socket.socket, config: dict[str, Any]) -> subprocess.Popen[bytes]:
        command = [interpreter, "-s", str(Path(__file__).parent), str(theirs.fileno()), json.dumps(config)]
        try:
            return subprocess.Popen(
                command,
                env=_clean_environment(cache_directory()),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            raise RendererUnavailable(f"cannot start {interpreter}: {error}") from None

    def _handshake(self, what: str) -> dict[str, Any]:
        self._sock.settimeout(_START_SECONDS)
        try:
            answer = wire.receive(self._sock)
        except (OSError, wire.WireError) as error:
            answer = {"ready": False, "error": f"it did not answer: {error}"}
        self._sock.settimeout(None)
        if answer is None or not answer.get("ready"):
            self._process.kill()
            self._process.wait()
            raise RendererUnavailable(f"{what} did not start: {answer['error'] if answer else 'it ended at once'}")
        return {**(answer["details"] or {}), "network_namespace": answer["network_namespace"]}

    @property
    def alive(self) -> bool:
        """Whether it can take jobs."""
        return not self._dead

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def run(self, code: str, options: dict[str, Any] | None = None) -> JobResult:
        """Do one job and wait for it.

        Raises:
            ServerDied: If the server ended before it answered.
        """
        future: Future[wire.Message] = Future()
        with self._lock:
            if self._dead:
                raise ServerDied("the fork server is gone")
            self._serial += 1
            job = self._serial
            self._pending[job] = future
        try:
            with self._send_lock:
                wire.send(self._sock, {"id": job, "code": code, "options": options or {}})
        except OSError:
            with self._lock:
                self._pending.pop(job, None)
            raise ServerDied("the fork server is gone") from None
        message = future.result()
        try:
            return _result(message, self._pixels)
        finally:
            if message["disposable"]:
                server.remove_tree(Path(message["directory"]))

    def _read(self) -> None:
        inbox = wire.Inbox()
        with contextlib.suppress(OSError, wire.WireError):
            while data := self._sock.recv(1 << 20):
                for message in inbox.feed(data):
                    with self._lock:
                        future = self._pending.pop(message["id"], None)
                    if future is not None:
                        future.set_result(message)
        with self._lock:
            self._dead = True
            orphans, self._pending = self._pending, {}
        for future in orphans.values():
            future.set_exception(ServerDied("the fork server ended with work unfinished"))

    def close(self) -> None:
        """End the server and everything below it, and remove its directory. May be called twice."""
        with self._lock:
            self._dead = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=10)
        self._sock.close()
        server.remove_tree(self.root)


def _result(message: wire.Message, pixel_limit: int) -> JobResult:
    """Check what a child claims; everything in ``result`` was under the control of hostile code."""
    times = {"seconds": message["seconds"], "cpu_seconds": message["cpu_seconds"]}
    result = message["result"]
    try:
        status, text = Status(result["status"]), str(result.get("message", ""))[:4000]
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair would break whoever prints it
        if status is not Status.OK:
            return JobResult(status, text, **times)
        if isinstance(result.get("redirect"), dict):
            return JobResult(status, redirect=_redirect(result["redirect"]), **times)
        size = (int(result["width"]), int(result["height"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return JobResult(Status.RUNTIME_ERROR, "the code wrote to the renderer's own channel", **times)
    if size[0] * size[1] > pixel_limit:
        return JobResult(Status.TOO_LARGE, f"the image has more than {pixel_limit} pixels", **times)
    pixels = _read_image(Path(message["directory"]) / child.image_name(message["id"]), size)
    if pixels is None:
        return JobResult(Status.FOREIGN_FILE, "the image is not a regular file of the size that was announced", **times)
    facts, note = _facts(result.get("facts"))
    return JobResult(status, size=size, pixels=pixels, facts=facts, note=note, **times)


def _facts(text: Any) -> tuple[Facts | None, str]:
    """Return a child's facts, or None and why they were dropped."""
    if text is None:
        return None, ""
    try:
        if not isinstance(text, str):
            raise FactsError("they are not a text")
        return Facts.from_json(text), ""
    except FactsError as error:
        return None, f"the renderer's facts were dropped: {error}"[:500]


def _redirect(data: dict[str, Any]) -> Redirect:
    width, height, scale = int(data["width"]), int(data["height"]), float(data["scale"])
    if not (0 <= width <= 20_000 and 0 <= height <= 20_000 and 0.1 <= scale <= 10):
        raise ValueError("size out of range")
    return Redirect(str(data["language"]), str(data["code"]), width, height, scale)


def _read_image(path: Path, size: tuple[int, int]) -> bytes | None:
    """Read an image that hostile code may have replaced by a link, a pipe or something endless."""
    if min(size) < 1:
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        length = size[0] * size[1] * 3
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size != length:
            return None
        data = file.read(length)
    with contextlib.suppress(OSError):
        path.unlink()
    return data if len(data) == length else None
