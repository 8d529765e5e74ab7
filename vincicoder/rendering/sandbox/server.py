"""A fork server: one process that has a renderer's libraries loaded and forks a confined child for each job.

It is started with a clean environment, has one thread, and does nothing but fork, watch, kill and report. When the
client goes away, by whatever death, it kills what it started, removes its directory and ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vincicoder.rendering.renderer import Policy
from vincicoder.status import Status

from . import confine, namespaces, processes, wire
from .child import ERRORS
from .child import main as run_child

_BUSY_TICK, _IDLE_TICK = 0.05, 1.0
_GRACE_SECONDS = 0.1  # most jobs are over before anyone needs to check their use
_OPEN_SECONDS = 90.0
_LARGEST_KEPT = 0.75  # share of the memory limit; a kept child that holds more would leave the next job too little
_MAX_FILES = 4096
_FORGED = "the code wrote to the renderer's own channel"


@dataclass
class _Child:
    pid: int
    sock: socket.socket
    directory: Path
    inbox: wire.Inbox
    opening: bool
    served: int = 0
    job: int | None = None
    started: float = 0.0
    cpu_before: float = 0.0


class Server:
    """The state of one fork server.

    Args:
        sock: Stream to the client.
        renderer: An object with ``preload``, ``policy`` and ``render``.
        config: ``limits``, ``confined``, ``jobs_per_child``, ``root`` (directory for private directories).
    """

    def __init__(self, sock: socket.socket, renderer: Any, config: wire.Message) -> None:
        self._sock = sock
        self._renderer = renderer
        self._config = config
        self._limits = config["limits"]
        policy: Policy = renderer.policy()
        self._policy = replace(policy, read=(*policy.read, *library_directories(), *config["path"]))
        self._root = Path(config["root"])
        self._children: dict[int, _Child] = {}
        self._inbox = wire.Inbox()
        self._serial = 0
        self._parent = os.getppid()
        self._selector = selectors.DefaultSelector()
        self._selector.register(sock, selectors.EVENT_READ, self._from_client)
        self._wake, wake_writer = os.pipe()
        for fd in (self._wake, wake_writer):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_writer)
        self._selector.register(self._wake, selectors.EVENT_READ, self._from_signal)
        self._open = True

    def run(self) -> None:
        """Serve until the client closes its end or is gone."""
        while self._open and os.getppid() == self._parent:
            busy = any(child.job is not None for child in self._children.values())
            for key, _ in self._selector.select(_BUSY_TICK if busy else _IDLE_TICK):
                key.data(key.fileobj)
            self._watch()

    def stop(self) -> None:
        """Kill every child and all that they started, and remove the directory."""
        for child in list(self._children.values()):
            self._end(child)
        processes.kill(processes.descendants(os.getpid()))
        remove_tree(self._root)

    # Messages

    def _from_client(self, _: Any) -> None:
        data = self._sock.recv(1 << 20)
        if not data:
            self._open = False
            return
        for message in self._inbox.feed(data):
            self._start(message)

    def _from_signal(self, _: Any) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)
        while True:
            try:
                pid, status, use = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._children:
                self._died(self._children[pid], status, use.ru_utime + use.ru_stime)

    def _from_child(self, sock: socket.socket) -> None:
        child = next((child for child in self._children.values() if child.sock is sock), None)
        if child is None:
            return
        data = b""
        with contextlib.suppress(OSError):  # reset by a child that died with its job unread: the same as its end
            data = sock.recv(1 << 16)
        try:
            messages = child.inbox.feed(data)
        except wire.WireError:
            self._finish(child, _result(Status.RUNTIME_ERROR, _FORGED))
            return
        if not data:
            self._selector.unregister(sock)  # its death will be reported by the signal
        for message in messages:
            if child.opening:
                self._opened(child)
            elif child.job is not None:
                self._finish(child, _checked(message, self._policy))
                return  # one job, one answer

    def _opened(self, child: _Child) -> None:
        """From here on time counts for the job, which waits in the child's socket."""
        child.opening = False
        child.started = time.monotonic()
        child.cpu_before = self._usage(child).cpu_seconds

    # Jobs

    def _start(self, message: wire.Message) -> None:
        idle = next((child for child in self._children.values() if child.job is None), None)
        child = idle or self._fork()
        child.job = message["id"]
        child.started = time.monotonic()
        child.cpu_before = self._usage(child).cpu_seconds if idle else 0.0
        with contextlib.suppress(OSError):  # a child that died meanwhile is reported by the signal
            wire.send(child.sock, message)

    def _fork(self) -> _Child:
        self._serial += 1
        directory = self._root / str(self._serial)
        directory.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run_child(theirs, self._renderer, directory, self._policy, self._config)
        theirs.close()
        child = _Child(pid, ours, directory, wire.Inbox(wire.CHILD_MAX_BYTES), opening=True)
        self._children[pid] = child
        self._selector.register(ours, selectors.EVENT_READ, self._from_child)
        return child

    def _usage(self, child: _Child) -> processes.Usage:
        if self._policy.processes:
            return processes.usage_of_tree(child.pid)
        return processes.usage_of(child.pid)

    def _watch(self) -> None:
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.job is not None and now - child.started > _GRACE_SECONDS:
                problem = self._excess(child, now)
                if problem is not None:
                    self._finish(child, problem, keep=False)

    def _excess(self, child: _Child, now: float) -> wire.Message | None:
        limits = self._limits
        if child.opening:
            late = now - child.started > _OPEN_SECONDS
            return _result(Status.INFRASTRUCTURE, f"a worker did not start in {_OPEN_SECONDS:g} s") if late else None
        if now - child.started > limits["wall_seconds"]:
            return _result(Status.TIMEOUT, f"took longer than {limits['wall_seconds']:g} s")
        use = self._usage(child)
        if use.cpu_seconds - child.cpu_before > limits["cpu_seconds"]:
            return _cpu_timeout(limits)
        if not self._policy.address_space and use.memory_bytes > limits["memory_mb"] << 20:
            return _result(Status.OUT_OF_MEMORY, f"used more than {limits['memory_mb']} MiB")
        if use.tasks > limits["tasks"]:
            return _result(Status.FORBIDDEN, f"started more than {limits['tasks']} processes and threads")
        size, files = processes.disk_use(str(child.directory), _MAX_FILES)
        if not self._policy.processes:  # a browser's processes share memory that way, and TeX cannot
            size += processes.nameless_use(child.pid)
        if size > limits["output_mb"] << 20 or files > _MAX_FILES:
            return _result(Status.TOO_LARGE, f"wrote more than {limits['output_mb']} MiB or {_MAX_FILES} files")
        return None

    def _finish(self, child: _Child, message: wire.Message, keep: bool = True) -> None:
        """Answer the client; the child is kept only when it is meant to be and nothing was out of order."""
        child.served += 1
        keep = keep and child.served < self._config["jobs_per_child"] and message.get("status") == Status.OK.value
        job, child.job = child.job, None
        seconds = time.monotonic() - child.started
        if keep:
            use = self._usage(child)
            cpu, keep = use.cpu_seconds, use.memory_bytes < _LARGEST_KEPT * (self._limits["memory_mb"] << 20)
        if not keep:
            cpu = self._end(child)
        self._answer(job, message, child.directory, seconds, cpu - child.cpu_before, keep)

    def _answer(
        self, job: int | None, message: wire.Message, directory: Path, seconds: float, cpu: float, keep: bool
    ) -> None:
        answer = {
            "id": job,
            "result": message,
            "directory": str(directory),
            "disposable": not keep,
            "seconds": seconds,
            "cpu_seconds": max(cpu, 0.0),
        }
        with contextlib.suppress(OSError):  # the client is gone; the main loop will notice
            wire.send(self._sock, answer)

    def _end(self, child: _Child) -> float:
        """Kill a child with everything below it and return the CPU seconds that it used."""
        below = processes.descendants(child.pid) if self._policy.processes else []
        cpu = self._usage(child).cpu_seconds  # what is killed below will not show in the child's own account
        self._forget(child)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        processes.kill([child.pid, *below])
        with contextlib.suppress(ChildProcessError):
            _, _, use = os.wait4(child.pid, 0)
            return max(cpu, use.ru_utime + use.ru_stime)
        return cpu

    def _forget(self, child: _Child) -> None:
        self._children.pop(child.pid, None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(child.sock)
        child.sock.close()

    def _died(self, child: _Child, status: int, cpu: float) -> None:
        """Handle the end of a child without an answer, or with one still unread."""
        answer = self._unread_result(child)
        below = processes.descendants(os.getpid()) if self._policy.processes else []
        self._forget(child)
        if self._policy.processes:
            kept = {pid for other in self._children.values() for pid in (other.pid, *processes.descendants(other.pid))}
            processes.kill(set(below) - kept)
        if child.job is None:
            remove_tree(child.directory)
            return
        cpu -= child.cpu_before
        if child.opening:
            answer = _result(Status.INFRASTRUCTURE, f"a worker could not start: {_tail(child.directory / ERRORS)}")
        answer = answer or _death(status, cpu, self._limits, child.directory)
        self._answer(child.job, answer, child.directory, time.monotonic() - child.started, cpu, keep=False)

    def _unread_result(self, child: _Child) -> wire.Message | None:
        with contextlib.suppress(OSError, wire.WireError, ValueError):
            child.sock.setblocking(False)
            while data := child.sock.recv(1 << 16):
                for message in child.inbox.feed(data):
                    if not child.opening:
                        return _checked(message, self._policy)
                    child.opening = False
        return None


def _result(status: Status, message: str) -> wire.Message:
    return {"status": status.value, "message": message}


def _checked(message: wire.Message, policy: Policy) -> wire.Message:
    """Refuse what no honest child says, for hostile code may have written to the channel itself.

    Nested values are refused because a depth that one parser bears can break the next. That something other than the
    code is at fault, a child may say only where the code runs in another program (a browser, TeX).
    """
    redirect = message.get("redirect")
    values = [*message.values(), *redirect.values()] if isinstance(redirect, dict) else list(message.values())
    nested = any(isinstance(value, dict | list) for value in values if value is not redirect)
    blames_others = message.get("status") in (Status.INFRASTRUCTURE.value, Status.BAD_TARGET.value)
    if nested or (blames_others and not policy.processes):
        return _result(Status.RUNTIME_ERROR, _FORGED)
    return message


def _cpu_timeout(limits: wire.Message) -> wire.Message:
    return _result(Status.TIMEOUT, f"used more than {limits['cpu_seconds']:g} s of CPU time")


def _death(status: int, cpu: float, limits: wire.Message, directory: Path) -> wire.Message:
    """Say why a child ended without an answer."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu >= limits["cpu_seconds"]):
        return _cpu_timeout(limits)
    if number == signal.SIGXFSZ:
        return _result(Status.TOO_LARGE, f"wrote a file of more than {limits['output_mb']} MiB")
    if number == signal.SIGKILL:
        return _result(Status.OUT_OF_MEMORY, "killed by the system, as happens when the machine runs out of memory")
    errors = _tail(directory / ERRORS)
    if "bad_alloc" in errors or "MemoryError" in errors:
        return _result(Status.OUT_OF_MEMORY, "the memory limit was reached")
    if status == 0:
        return _result(Status.NO_OUTPUT, "the code ended its own process before there was an image")
    end = f"signal {signal.Signals(number).name}" if number else f"exit code {os.WEXITSTATUS(status)}"
    return _result(Status.RUNTIME_ERROR, f"the process ended with {end}. {errors}".strip())


def _tail(path: Path, size: int = 1000) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with open(fd, "rb") as file:
        file.seek(max(0, os.fstat(fd).st_size - size))
        return file.read(size).decode("utf-8", "replace").strip()


def remove_tree(directory: Path) -> None:
    """Remove a directory whatever a child made of it: deep, wide or without permissions."""
    try:
        shutil.rmtree(directory)
    except (OSError, RecursionError):
        # not waited for: thousands of nested directories take seconds, and the caller has answers to give
        script = 'chmod -R u+rwx "$0"; exec rm -rf --one-file-system "$0"'
        subprocess.Popen(["sh", "-c", script, str(directory)], stderr=subprocess.DEVNULL)


def library_directories() -> list[str]:
    """Return the directories of installed packages that this interpreter imports from, wherever they are."""
    return [child for child in sys.path if child and any(Path(child).glob("*.dist-info"))]


def _renderer(config: wire.Message) -> Any:
    module, _, attribute = config["renderer"].partition(":")
    return getattr(importlib.import_module(module), attribute)(**config["options"])


def main(fd: int, config: wire.Message) -> None:
    """Run a fork server on socket ``fd``; never returns."""
    sock = socket.socket(fileno=fd)
    sys.path += config["path"]
    os.nice(config["nice"])
    confine.adopt_orphans()
    try:
        isolated = config["confined"] and config["namespaces"] and namespaces.leave_network()
        renderer = _renderer(config)
        details = renderer.preload()
        server = Server(sock, renderer, config)
    except Exception as error:
        wire.send(sock, {"ready": False, "error": f"{type(error).__name__}: {error}"})
        raise SystemExit(1) from error
    gc.collect()
    gc.freeze()  # keeps forked children from touching, and so copying, every page of the loaded libraries
    wire.send(sock, {"ready": True, "network_namespace": isolated, "details": details})
    try:
        server.run()
    finally:
        server.stop()
        os._exit(0)
