"""What a tree of files takes on the disk, also where no directory lists it any more, and how it is removed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

from . import processes

BY_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)
"""Errors that say something of the machine and nothing of the code."""

_REMOVE = """
for turn in 1 2 3 4 5 6 7 8 9 10; do
  chmod -R u+rwx "$0"
  rm -rf --one-file-system "$0" && exit
  sleep 1
done
"""


def use(directory: str, max_entries: int) -> tuple[int, int]:
    """Return the bytes and the number of files below a directory, without following links.

    Stops counting after ``max_entries``, so that a flood of files costs no more than that. What cannot be listed,
    being unreadable or too deep for a path, counts as more than ``max_entries``: anything could be hidden there.

    Raises:
        OSError: This process is out of descriptors or memory.
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
        except OSError as error:
            if error.errno in BY_THE_MACHINE:
                raise
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
    for task in processes.tasks(pid):
        with contextlib.suppress(OSError), os.scandir(f"{task}/fd") as items:
            for item in items:
                with contextlib.suppress(OSError):
                    found = item.stat()
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                        sizes[found.st_ino] = found.st_blocks * 512
        if not mapped:  # threads share their memory
            mapped = _deleted_mappings(task, directory)
    return sum(sizes.values()) + mapped_bytes * len(mapped - set(sizes))


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


def remove_tree(directory: Path) -> None:
    """Remove a directory whatever a child made of it: deep, wide or without permissions.

    What resists, another process removes, since thousands of nested directories take seconds and the caller has answers
    to give. That process tries for a while, as a browser whose fork server was killed goes on writing for a second.
    """
    try:
        shutil.rmtree(directory)
    except (OSError, RecursionError):
        command = ["sh", "-c", _REMOVE, str(directory)]
        remover = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        threading.Thread(target=remover.wait, name="vincicoder-remover", daemon=True).start()  # or it stays a zombie
