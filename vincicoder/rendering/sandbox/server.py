"""A fork server: one process that has a renderer's libraries loaded and forks a confined child for each job.

It is started with a clean environment, has one thread, and does nothing but fork, watch, kill and report. It never
sees a job, because every child that it forks later has a copy of its memory. When the client goes away, by
whatever death, it kills what it started, removes its directory and ends.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from vincicoder.rendering.renderer import Policy
from vincicoder.status import Status

from . import confine, disk, processes, wire
from .child import main as run_child
from .watch import Child, Watch, verdict_of

_BUSY_TICK, _IDLE_TICK = 0.1, 1.0
_ROOM_TICK = 0.02  # between glances at the free space, which cost microseconds
_ROOM_LOSS = 16 << 20  # bytes that it may fall by before children are checked out of turn
_GRACE_SECONDS = 0.1  # most jobs are over before anyone needs to check their use
_STOP_SECONDS = 5.0
_LARGEST_KEPT = 0.75  # share of the memory limit; a kept child that holds more would leave the next job too little


class Server:
    """The state of one fork server.

    Args:
        sock: Packets from and to the client.
        renderer: An object with ``preload``, ``policy`` and ``render``.
        config: ``limits``, ``confined``, ``jobs_per_child``, ``root`` (directory for private directories).
        siblings: Servers that this process has forked. It lives no longer than any of them.
    """

    def __init__(self, sock: socket.socket, renderer: Any, config: wire.Message, siblings: Iterable[int] = ()) -> None:
        self._sock = sock
        self._renderer = renderer
        self._config = config
        self._limits = config["limits"]
        policy: Policy = renderer.policy()
        self._policy = replace(policy, read=(*policy.read, *confine.library_directories(), *config["path"]))
        self._root = config["root"]
        self._children: dict[int, Child] = {}
        self._dying: dict[int, Callable[[float], None]] = {}  # killed, and told what they used when they are gone
        self._siblings = set(siblings)
        self._serial = 0
        self._room = disk.room(config["root"])
        self._full_at = float("-inf")  # when the file system last had less room than a job may use
        self._checked = self._looked = 0.0
        self._starts_programs = policy.processes or not config["confined"]
        self._has_strays = False
        self._watcher = Watch(self._limits, policy, self._starts_programs)
        self._parent = os.getppid()
        self._epoll = select.epoll()  # itself, since a selector's bookkeeping takes 0.1 ms of a job's 1.8
        self._handlers: dict[int, Callable[[], None]] = {}  # by descriptor
        self._listen(sock.fileno(), self._from_client)
        self._wake, wake_writer = os.pipe()
        for fd in (self._wake, wake_writer):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_writer)
        self._listen(self._wake, self._from_signal)
        self._open = True

    @property
    def runs_programs(self) -> bool:
        """Whether the code runs in another program, so that its child's word about whose fault it was is believed."""
        return self._policy.processes

    def run(self) -> None:
        """Serve until the client closes its end or is gone."""
        while self._open and os.getppid() == self._parent:
            busy = any(child.job is not None for child in self._children.values())
            ready = self._epoll.poll(_ROOM_TICK if busy else _IDLE_TICK)
            for handler in [self._handlers[fd] for fd, _ in ready]:  # before one is another's
                handler()
            self._watch()
            if self._has_strays:
                self._has_strays = False  # until one that was killed has ended
                self._end_strays()

    def stop(self) -> None:
        """Kill every child and sibling, with all that they started, and wait until it is gone."""
        self._siblings.clear()
        for child in list(self._children.values()):
            self._end(child)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._end_strays() and time.monotonic() < deadline:
            time.sleep(_ROOM_TICK)
            self._reap()

    # Messages

    def _listen(self, fd: int, handler: Callable[[], None]) -> None:
        self._epoll.register(fd, select.EPOLLIN)
        self._handlers[fd] = handler

    def _ignore(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def _from_client(self) -> None:
        message, fds = wire.receive_packet(self._sock)
        if message is None:
            self._open = False
            return
        try:
            if fds:
                self._start(message["id"], fds[0], message["cpu_seconds"])
            else:  # the kernel drops what a process without a free descriptor is sent
                verdict = verdict_of(Status.INFRASTRUCTURE, "the fork server is out of descriptors")
                self._answer(message["id"], verdict, self._root, 0.0, 0.0, keep=True)
        finally:
            for fd in fds:
                os.close(fd)

    def _from_signal(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)
        self._reap()

    def _reap(self) -> None:
        while True:
            try:
                pid, status, use = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            cpu = use.ru_utime + use.ru_stime
            if pid in self._children:
                self._died(self._children[pid], status, cpu)
            elif pid in self._dying:
                self._dying.pop(pid)(cpu)
            elif pid in self._siblings:
                self._open = False
            self._has_strays = self._starts_programs  # what it had started is ours now

    def _from_child(self, child: Child) -> None:
        if self._children.get(child.pid) is not child:  # what was heard just before has ended it
            return
        data = b""
        with contextlib.suppress(OSError):  # reset by a child that died with its job unread: the same as its end
            data = child.sock.recv(wire.WORD_BYTES)
        if not data:
            self._ignore(child.sock.fileno())  # its death will be reported by the signal
        elif child.opening:
            self._opened(child, data)
        elif child.job is not None:
            self._finish(child, keep=data == wire.DONE)

    def _opened(self, child: Child, word: bytes) -> None:
        """Start the clock of the job, which waits in its own socket."""
        child.opening = False
        child.started = time.monotonic()
        self._watcher.begin(child, self._told(word))

    def _told(self, word: bytes) -> tuple[float, float] | None:
        """Return what a child says to have used until it was ready; None where its end will not be known as exactly."""
        return wire.use_in(word) if self._config["jobs_per_child"] == 1 and not self._starts_programs else None

    # Jobs

    def _start(self, job: int, fd: int, cpu_seconds: float) -> None:
        idle = next((child for child in self._children.values() if child.job is None), None)
        try:
            child = idle or self._fork()
        except OSError as error:  # no room for a directory, no process to be had
            verdict = verdict_of(Status.INFRASTRUCTURE, f"a worker could not start: {error}")
            self._answer(job, verdict, self._root, 0.0, 0.0, keep=True)
            return
        child.job, child.cpu_seconds = job, cpu_seconds
        child.started = child.disk_checked = time.monotonic()
        if idle:
            self._watcher.begin(child)
        with contextlib.suppress(OSError):  # a child that died meanwhile is reported by the signal
            socket.send_fds(child.sock, [b"j"], [fd])

    def _fork(self) -> Child:
        self._serial += 1
        directory = f"{self._root}/{os.getpid()}-{self._serial}"  # other servers have theirs beside it
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            os.mkdir(directory, 0o700)  # noqa: PTH102 - a Path touches 40 pages that are copied then
            pid = os.fork()
        except OSError:
            for end in (ours, theirs):
                end.close()
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(directory)  # noqa: PTH106
            raise
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run_child(theirs, self._renderer, Path(directory), self._policy, self._config)
        theirs.close()
        child = Child(pid, ours, directory, opening=True)
        self._children[pid] = child
        self._listen(ours.fileno(), functools.partial(self._from_child, child))
        return child

    def _watch(self) -> None:
        """Check the children's use: at every tick, and at once when the free space falls fast."""
        now = time.monotonic()
        if now - self._looked < _ROOM_TICK:  # a server of several children is woken more often than that
            return
        self._looked = now
        lost = self._room - self._glance() > _ROOM_LOSS
        if not lost and now - self._checked < _BUSY_TICK:
            return
        self._checked, self._room = now, self._glance()
        self._watcher.look_again(now)
        for child in list(self._children.values()):
            if child.job is not None and (lost or now - child.started > _GRACE_SECONDS):
                try:
                    problem = self._watcher.verdict(child, now, at_once=lost)
                except OSError as error:  # unwatched, code may not go on
                    problem = verdict_of(Status.INFRASTRUCTURE, f"the fork server cannot watch a worker: {error}")
                if problem is not None:
                    self._finish(child, problem)

    def _glance(self) -> int:
        """Return the room on the file system, and note when it is less than a job may use."""
        room = disk.room(self._root)
        if room < self._limits["output_mb"] << 20:
            self._full_at = time.monotonic()
        return room

    def _finish(self, child: Child, verdict: wire.Message | None = None, keep: bool = False) -> None:
        """Answer the client; the child is kept only when it is meant to be and nothing was out of order."""
        child.served += 1
        keep = keep and child.served < self._config["jobs_per_child"]
        job, child.job = child.job, None
        seconds = time.monotonic() - child.started
        self._watcher.tree.forget(child.pid)
        if keep:
            use = self._watcher.usage(child)
            keep = use.memory_bytes < _LARGEST_KEPT * (self._limits["memory_mb"] << 20)
        if keep:
            self._answer(job, verdict or {}, child.directory, seconds, use.cpu_seconds - child.cpu_before, keep)
        else:
            self._end(child, functools.partial(self._ended, job, verdict or {}, child, seconds))

    def _ended(self, job: int | None, verdict: wire.Message, child: Child, seconds: float, cpu: float) -> None:
        self._answer(job, verdict, child.directory, seconds, cpu - child.cpu_before, keep=False)

    def _answer(
        self, job: int | None, verdict: wire.Message, directory: str, seconds: float, cpu: float, keep: bool
    ) -> None:
        self._glance()
        answer = {
            **verdict,
            "id": job,
            "disk_full": time.monotonic() - self._full_at <= seconds + _BUSY_TICK,
            "directory": directory,
            "disposable": not keep,
            "seconds": seconds,
            "cpu_seconds": max(cpu, 0.0),
        }
        with contextlib.suppress(OSError):  # the client is gone; the main loop will notice
            wire.send_packet(self._sock, answer)

    def _end(self, child: Child, gone: Callable[[float], None] = lambda _: None) -> None:
        """Kill a child with everything below it; when it is gone, call ``gone`` with the CPU seconds that it used.

        Nobody waits here: the kernel needs milliseconds to take down the memory of a process.
        """
        self._forget(child)
        known = 0.0
        if self._starts_programs:  # else a child is all there is of it, and its use is known when it is gone
            known = self._watcher.cpu_seconds(child)  # what is killed below will not show in its own account
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            processes.kill(self._watcher.tree.descendants(child.pid))
        processes.kill([child.pid])
        self._has_strays = self._starts_programs
        self._dying[child.pid] = lambda cpu: gone(max(known, cpu))

    def _end_strays(self) -> bool:
        """Kill what has lost its parent and so has become ours, with all below it; return whether there was any.

        A child adopts its own orphans, so that they are counted and ended with it, whatever group or session they moved
        to. When it ends, they come here. What they start meanwhile comes here when they end in their turn.
        """
        tree = processes.Tree()
        strays = set(tree.children(os.getpid())) - set(self._children) - self._siblings
        for stray in strays:
            processes.kill([stray, *tree.descendants(stray)])
        return bool(strays)

    def _forget(self, child: Child) -> None:
        self._children.pop(child.pid, None)
        self._ignore(child.sock.fileno())
        child.sock.close()

    def _died(self, child: Child, status: int, cpu: float) -> None:
        """Handle the end of a child that has not said it is done, or whose word for it is still unread."""
        finished = self._has_finished(child)
        self._forget(child)
        if child.job is None:  # what it drew before may still be read, so it is the client that removes its directory
            self._answer(None, {}, child.directory, 0.0, 0.0, keep=False)
            return
        ended = {} if finished else {"ended": {"status": status, "opened": not child.opening}}
        seconds = time.monotonic() - child.started
        self._answer(child.job, ended, child.directory, seconds, cpu - child.cpu_before, keep=False)

    def _has_finished(self, child: Child) -> bool:
        with contextlib.suppress(OSError):
            child.sock.setblocking(False)
            while word := child.sock.recv(wire.WORD_BYTES):
                if not child.opening:
                    return True
                child.opening = False
                child.cpu_before, _ = self._told(word) or (0.0, 0.0)
        return False
