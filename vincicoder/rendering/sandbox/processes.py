"""What a tree of processes uses, and how it is ended. Reads ``/proc`` only."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass

_TICK = os.sysconf("SC_CLK_TCK")
_CHUNK = 16384
_ANONYMOUS = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Usage:
    """Use of one process or of a whole tree.

    Attributes:
        cpu_seconds: User and system time, also of children already waited for.
        memory_bytes: Resident memory that is not a file's; memory that processes share counts once for each.
        tasks: Processes and threads.
    """

    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    tasks: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.cpu_seconds + other.cpu_seconds,
            self.memory_bytes + other.memory_bytes,
            self.tasks + other.tasks,
        )


def _stat(pid: int) -> list[bytes]:
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()  # the name before may hold anything


def _read(path: str) -> bytes:
    """Read a file of /proc, as a server does some hundred times a second: Python's own files cost twice as much."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(fd, _CHUNK), b""))  # less than was asked for is not the end yet
    finally:
        os.close(fd)


def _memory(pid: int) -> int:
    """Return the bytes that a process has written, without the program files that it maps.

    Each of a browser's dozen processes maps a program of 200 MB, which takes no memory of its own.
    """
    return sum(int(kib) << 10 for kib in _ANONYMOUS.findall(_read(f"/proc/{pid}/status")))


def usage_of(pid: int) -> Usage:
    """Return the use of one process; nothing when it is gone."""
    try:
        fields = _stat(pid)
        memory = _memory(pid)
    except OSError:
        return Usage()
    return Usage(_cpu_in(fields), memory, int(fields[17]))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of one process, which costs a third of all its use; 0 when it is gone."""
    try:
        return _cpu_in(_stat(pid))
    except OSError:
        return 0.0


def _cpu_in(fields: list[bytes]) -> float:
    return sum(map(int, fields[11:15])) / _TICK


def waited_seconds(pid: int) -> float:
    """Return how long a process's first thread was ready to run and had no CPU; 0 when it is gone or nobody counts."""
    try:
        return int(_read(f"/proc/{pid}/schedstat").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class Tree:
    """Who started whom, as it was when each question was first asked.

    Each process's children are read where the kernel lists them, so that nothing else on the machine is looked at.
    Where it was built without that list, all of ``/proc`` is read instead, once.

    Args:
        listed: Whether the kernel lists children.

    Example:
        >>> os.getpid() in Tree().descendants(os.getppid())
        True
    """

    def __init__(self, listed: bool = os.path.exists("/proc/thread-self/children")) -> None:  # noqa: PTH110
        self._listed = listed
        self._all: dict[int, list[int]] | None = None
        self._below: dict[int, list[int]] = {}

    def children(self, pid: int) -> list[int]:
        """Return the ids of the processes whose parent is ``pid``, also of those that ended and await their parent."""
        if self._listed:
            return _children(pid)
        if self._all is None:
            self._all = _children_by_parent()
        return self._all.get(pid, [])

    def descendants(self, pid: int) -> list[int]:
        """Return the ids of all processes below ``pid``."""
        if pid not in self._below:
            found: list[int] = []
            pending = [pid]
            while pending:
                children = self.children(pending.pop())
                found += children
                pending += children
            self._below[pid] = found
        return self._below[pid]

    def forget(self, pid: int) -> None:
        """Look below ``pid`` again when next asked, where that costs little."""
        if self._listed:
            self._below.pop(pid, None)

    def usage(self, pid: int) -> Usage:
        """Return the use of a process and all below it."""
        return sum((usage_of(member) for member in [pid, *self.descendants(pid)]), Usage())

    def cpu_seconds(self, pid: int) -> float:
        """Return the CPU time of a process and all below it."""
        return sum(map(cpu_seconds, [pid, *self.descendants(pid)]))

    def waited_seconds(self, pid: int) -> float:
        """Return how long a process and all below it waited for a CPU, added up: the most that it can have cost."""
        return sum(waited_seconds(member) for member in [pid, *self.descendants(pid)])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in tasks(pid):
        with contextlib.suppress(OSError):
            found += map(int, _read(f"{task}/children").split())
    return found


def _children_by_parent() -> dict[int, list[int]]:
    tree: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with contextlib.suppress(OSError):
                tree.setdefault(int(_stat(int(name))[1]), []).append(int(name))
    return tree


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below ``pid`` at this moment."""
    return Tree().descendants(pid)


def tasks(pid: int) -> list[str]:
    """Return the directories of ``/proc`` of all threads of a process; none when it is gone."""
    try:
        return [f"/proc/{pid}/task/{name}" for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208
    except OSError:
        return []


def kill(pids: Iterable[int]) -> None:
    """Send SIGKILL to processes; those already gone are fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
