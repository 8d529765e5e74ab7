"""What a tree of processes uses, and how it is ended. Reads ``/proc`` only."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Iterable
from dataclasses import dataclass

_TICK = os.sysconf("SC_CLK_TCK")


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


def _stat(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()  # the name before may hold anything


def _memory(pid: int) -> int:
    """Return the bytes that a process has written, without the program files that it maps.

    Each of a browser's dozen processes maps a program of 200 MB, which takes no memory of its own.
    """
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return sum(int(line.split()[1]) << 10 for line in file if line.startswith(("RssAnon:", "RssShmem:")))


def usage_of(pid: int) -> Usage:
    """Return the use of one process; nothing when it is gone."""
    try:
        fields = _stat(pid)
        memory = _memory(pid)
    except OSError:
        return Usage()
    cpu = sum(int(value) for value in fields[11:15]) / _TICK
    return Usage(cpu, memory, int(fields[17]))


def children_by_parent() -> dict[int, list[int]]:
    """Return the process tree of the machine as parent id to child ids."""
    tree: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with contextlib.suppress(OSError):
                tree.setdefault(int(_stat(int(name))[1]), []).append(int(name))
    return tree


def descendants(pid: int, tree: dict[int, list[int]] | None = None) -> list[int]:
    """Return the ids of all processes below ``pid``."""
    tree = children_by_parent() if tree is None else tree
    found: list[int] = []
    pending = list(tree.get(pid, ()))
    while pending:
        child = pending.pop()
        found.append(child)
        pending += tree.get(child, ())
    return found


def usage_of_tree(pid: int, tree: dict[int, list[int]] | None = None) -> Usage:
    """Return the use of a process and all below it."""
    return sum((usage_of(member) for member in [pid, *descendants(pid, tree)]), Usage())


def kill(pids: Iterable[int]) -> None:
    """Send SIGKILL to processes; those already gone are fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def disk_use(directory: str, max_entries: int) -> tuple[int, int]:
    """Return the bytes and the number of files below a directory, without following links.

    Stops counting after ``max_entries``, so that a flood of files costs no more than that. What cannot be listed,
    being unreadable or too deep for a path, counts as more than ``max_entries``: anything could be hidden there.
    """
    size = entries = 0
    pending = [directory]
    while pending and entries <= max_entries:
        try:
            with os.scandir(pending.pop()) as items:
                for item in items:
                    entries += 1
                    if entries > max_entries:
                        break
                    with contextlib.suppress(FileNotFoundError):
                        size += item.stat(follow_symlinks=False).st_blocks * 512
                        if item.is_dir(follow_symlinks=False):
                            pending.append(item.path)
        except (FileNotFoundError, NotADirectoryError):  # removed or replaced meanwhile
            continue
        except OSError:
            return size, max_entries + 1
    return size, entries


def nameless_use(pid: int, directory: str, mapped_bytes: int) -> int:
    """Return the bytes of files below a directory that a process holds although no directory lists them any more.

    Every thread is asked, since each may have descriptors of its own and the first may have ended.

    Args:
        pid: The process.
        directory: The directory that all its files were in.
        mapped_bytes: What a file counts that is mapped but not open: how large it is, nobody can say.
    """
    sizes: dict[int, int] = {}
    mapped: set[int] = set()
    for task in _tasks(pid):
        with contextlib.suppress(OSError), os.scandir(f"{task}/fd") as items:
            for item in items:
                with contextlib.suppress(OSError):
                    found = item.stat()
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                        sizes[found.st_ino] = found.st_blocks * 512
        if not mapped:  # threads share their memory
            mapped = _deleted_mappings(task, directory)
    return sum(sizes.values()) + mapped_bytes * len(mapped - set(sizes))


def _tasks(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/task/{name}" for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208
    except OSError:
        return []


def _deleted_mappings(task: str, directory: str) -> set[int]:
    """Return the inodes of files below a directory that are mapped and no longer listed."""
    inside = directory.replace("\n", "\\012").encode() + b"/"
    found = set()
    with contextlib.suppress(OSError), open(f"{task}/maps", "rb") as file:
        for line in file:
            if line.endswith(b" (deleted)\n"):
                _, _, _, _, inode, path = line.split(None, 5)
                if path.startswith(inside):
                    found.add(int(inode))
    return found


def room(directory: str) -> int:
    """Return the bytes that can still be written below a directory: none where it is read-only or out of files."""
    found = os.statvfs(directory)
    if found.f_flag & os.ST_RDONLY or (found.f_files and not found.f_favail):
        return 0
    return found.f_bavail * found.f_frsize
