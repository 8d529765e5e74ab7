"""The client of a fork server: start it, send jobs from any thread, read images, notice its death."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from vincicoder.errors import RendererUnavailable, SandboxUnavailable
from vincicoder.rendering.config import Limits, SandboxConfig
from vincicoder.status import Status

from . import child, confine, disk, watch, wire
from .beginnings import Beginnings
from .channel import Channel, ServerDied, close_all, socket_pairs
from .environment import cache_directory, clean_environment
from .result import Asked, JobResult, job_result

_Read = TypeVar("_Read")

_START_SECONDS = 180.0
_SLACK_SECONDS = 30.0  # what a server may need beyond a job's own limits before it is given up


def require_confinement() -> None:
    """Check that this kernel can confine code.

    Raises:
        SandboxUnavailable: If it cannot; the message says what is missing.
    """
    problems = confine.layers().problems
    if problems and not confine.on_linux():
        raise SandboxUnavailable(problems[0])
    if problems:
        raise SandboxUnavailable(
            " ".join(problems) + " Generated code is not run unconfined; if this machine holds nothing of value and"
            " you accept that the code can do whatever you can, pass allow_unsandboxed=True."
        )


def _check_file_size(limits: Limits) -> None:
    """Check that this process may write files as large as a render may.

    Raises:
        RendererUnavailable: If `ulimit -f` is lower.
    """
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if allowed != resource.RLIM_INFINITY and allowed < limits.output_mb << 20:
        raise RendererUnavailable(
            f"`ulimit -f` lets this process write files of {allowed >> 10} KiB only, and a render may write"
            f" {limits.output_mb} MiB: raise it, or lower output_mb"
        )


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
        servers: Processes that fork; more can fork more children a second.
        is_plain: Says of code whether it needs only what the renderer's ``preload_plain`` loads, if it has that. There
            are as many servers more that have loaded no more.
        beginnings_of: The renderer's, if it can prepare how codes begin.

    Raises:
        RendererUnavailable: If it does not start; the message holds the reason that it gave.
        ServerDied: If it was killed meanwhile.
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
        servers: int = 1,
        is_plain: Callable[[str], bool] | None = None,
        beginnings_of: Callable[[str], list[str]] | None = None,
    ) -> None:
        name = renderer.partition(":")[2]
        _check_file_size(limits)
        self.redirects_to = tuple(redirects_to)
        try:
            self.root = Path(tempfile.mkdtemp(prefix="vincicoder-"))
        except OSError as error:
            raise RendererUnavailable(
                f"cannot make a temporary directory; set TMPDIR to a better place: {error}"
            ) from None
        self._lock, self._limits = threading.Lock(), limits
        self._deadline = watch.OPEN_SECONDS + watch.PATIENCE * limits.wall_seconds + _SLACK_SECONDS
        self._readers: Counter[str] = Counter()  # by a child's directory, how many jobs have an image there to read
        self._disposable: set[str] = set()
        self._is_plain, self._servers, self._dead = is_plain, servers, False
        self._beginnings = Beginnings(self.root, beginnings_of)
        config: dict[str, Any] = {
            "renderer": renderer,
            "options": options,
            "plain": servers if is_plain else 0,
            "limits": asdict(limits),
            "jobs_per_child": jobs_per_child,
            "confined": not sandbox.allow_unsandboxed,
            "namespaces": sandbox.namespaces,
            "nice": sandbox.nice,
            "root": str(self.root),
            # PYTHONPATH, user site and --target directories, which a clean environment does not name
            "path": [*([] if interpreter else confine.library_directories()), *path],
        }
        try:
            socks, theirs = socket_pairs(servers + config["plain"])
        except OSError as error:
            disk.remove_tree(self.root)
            raise RendererUnavailable(f"cannot make a socket: {error}") from None
        try:
            self._process = self._start(interpreter or sys.executable, theirs, config)
            close_all(theirs)  # or its end would never be seen from here
            self.details = self._handshake(socks[0], f"{name} under {interpreter or sys.executable}")
        except BaseException:
            close_all(socks)
            disk.remove_tree(self.root)
            raise
        finally:
            close_all(theirs)
        self._channels: list[Channel] = []
        for sock in socks:
            self._channels.append(Channel(sock, f"vincicoder-{name}", self._enter, self._end))

    def _start(
        self, interpreter: str, theirs: Sequence[socket.socket], config: dict[str, Any]
    ) -> subprocess.Popen[bytes]:
        fds = [sock.fileno() for sock in theirs]
        command = [interpreter, "-s", str(Path(__file__).parent), ",".join(map(str, fds)), json.dumps(config)]
        try:
            return subprocess.Popen(
                command,
                env=clean_environment(cache_directory()),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=fds,
                start_new_session=True,
            )
        except OSError as error:
            raise RendererUnavailable(f"cannot start {interpreter}: {error}") from None

    def _handshake(self, sock: socket.socket, what: str) -> dict[str, Any]:
        sock.settimeout(_START_SECONDS)
        try:
            answer, _ = wire.receive_packet(sock)
        except (OSError, wire.WireError) as error:
            answer = {"ready": False, "error": f"it did not answer: {error}"}
        sock.settimeout(None)
        if answer is None or not answer.get("ready"):
            self._process.kill()
            if self._process.wait() < 0 and answer is None:
                raise ServerDied(f"{what} was killed while it started")
            raise RendererUnavailable(f"{what} did not start: {answer['error'] if answer else 'it ended at once'}")
        self._runs_programs = bool(answer["runs_programs"])
        return {**(answer["details"] or {}), "network_namespace": answer["network_namespace"]}

    @property
    def alive(self) -> bool:
        """Whether it can take jobs."""
        return not self._dead

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def run(
        self,
        code: str,
        options: dict[str, Any] | None = None,
        facts: bool = False,
        cpu_seconds: float | None = None,
        prefixes: int = 0,
    ) -> JobResult:
        """Do one job and wait for it.

        Args:
            code: What to render.
            options: What a ``Redirect`` asks for.
            facts: Ask for the image's facts.
            cpu_seconds: CPU time that this job may use, if that is less than the limit of all.
            prefixes: Ask for so many images of prefixes at most; more than 0 of a renderer that draws them only.

        Raises:
            ServerDied: If the server ended, or did not answer in time, before the job was done.
        """
        beginnings = self._beginnings.of(code)
        told = (options or {}) | self._prepared(beginnings)
        wanted = {"code": code, "options": told, "facts": facts, "prefixes": prefixes}

        def read(answer: wire.Message | None, found: wire.Message, image: str) -> JobResult:
            return job_result(answer, found, self._limits, self._runs_programs, Asked(image, prefixes, len(code)))

        result = self._do(wanted, cpu_seconds, read)
        if result.status is Status.FOREIGN_FILE and self._dead:  # whoever replaces it removes its files, images too
            raise ServerDied("the fork server ended while an image was read")
        if result.status is Status.OK:
            self._beginnings.count(beginnings)
        return result

    def _prepared(self, beginnings: list[str]) -> dict[str, Any]:
        """Return the options that tell of what is prepared, and prepare a beginning that has come often enough."""
        due = self._beginnings.due(beginnings)

        def keep(answer: wire.Message | None, found: wire.Message, file: str) -> None:
            if answer is not None and answer.get("status") == Status.OK.value and "status" not in found:
                self._beginnings.keep(due or "", Path(found["directory"]) / file)

        if due is not None:
            self._do({"code": due, "options": {"prepare": True}, "facts": False, "prefixes": 0}, None, keep)
        return self._beginnings.options(beginnings)

    def _do(
        self,
        wanted: wire.Message,
        cpu_seconds: float | None,
        read: Callable[[wire.Message | None, wire.Message, str], _Read],
    ) -> _Read:
        """Do one job; ``read`` is given the child's answer, the verdict and the name of the file that it made."""
        ours, theirs = socket.socketpair()
        limit = self._limits.cpu_seconds
        with ours:
            with theirs:
                ours.settimeout(self._deadline)
                job, verdict = self._submit(wanted["code"], ours, theirs, min(cpu_seconds or limit, limit))
            try:
                answer = self._converse(ours, {"id": job, **wanted})
                found = verdict.result(timeout=self._deadline)
            except (TimeoutError, futures.TimeoutError):
                self._give_up()
                raise ServerDied(f"the fork server has not answered for {self._deadline:g} s") from None
            except BaseException:  # as when somebody interrupts us: the child need not wait for the rest
                with contextlib.suppress(OSError):
                    ours.shutdown(socket.SHUT_RDWR)
                raise
        try:
            return read(answer, found, child.image_name(job))
        finally:
            self._leave(found["directory"])

    def _submit(
        self, code: str, ours: socket.socket, theirs: socket.socket, cpu_seconds: float
    ) -> tuple[int, Future[wire.Message]]:
        """Hand one end of the job's socket to a server; return the job's number and the future of its verdict."""
        plain = self._is_plain is not None and self._is_plain(code)
        channels = self._channels[self._servers :] if plain else self._channels[: self._servers]
        with self._lock:
            if self._dead:
                raise ServerDied("the fork server is gone")
            channel = min(channels, key=lambda channel: channel.load)
            job, verdict = channel.expect(ours)
        if not channel.send(job, theirs, cpu_seconds):
            self._end()  # at once, before the channel's reader knows: whoever tries again gets another one
            raise ServerDied("the fork server is gone")
        return job, verdict

    def _converse(self, ours: socket.socket, message: wire.Message) -> wire.Message | None:
        """Send a job and return what the child answers; None if it ended, or said what no child says.

        When the server has its verdict, the reader shuts the socket down, and nothing here waits any longer.
        """
        try:
            wire.send(ours, message)
            return wire.receive(ours, wire.CHILD_MAX_BYTES)
        except TimeoutError:
            raise
        except (OSError, wire.WireError):
            return None

    def _enter(self, message: wire.Message, reads: bool) -> None:
        """Note that a job's image is about to be read, and whether its directory is to go; in the verdicts' order.

        The next job of a child that is kept may end the child before the image of the one before it has been read.
        """
        with self._lock:
            self._readers[message["directory"]] += 1
            if message["disposable"]:
                self._disposable.add(message["directory"])
        if not reads:
            self._leave(message["directory"])

    def _leave(self, directory: str) -> None:
        """Remove a child's directory, if it is to go and nobody has anything to read there any more."""
        with self._lock:
            self._readers[directory] -= 1
            last = not self._readers[directory]
            if last:
                del self._readers[directory]
            remove = last and directory in self._disposable
            self._disposable -= {directory} if remove else set()
        if remove:
            disk.remove_tree(Path(directory))

    def _give_up(self) -> None:
        """Kill a server that does not answer; its children go with it."""
        with self._lock:
            self._dead = True  # at once, so that whoever tries again gets another one
        self._process.kill()

    def _end(self) -> None:
        """Use none of the servers any more, as one of them has ended."""
        with self._lock:
            self._dead = True
        for channel in self._channels:
            channel.shut_down()

    def close(self) -> None:
        """End the server and everything below it, and remove its directory. May be called twice."""
        self._end()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for channel in self._channels:
            channel.close()
        disk.remove_tree(self.root)
