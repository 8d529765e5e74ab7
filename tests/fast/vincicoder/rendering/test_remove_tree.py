"""Directories of children, whatever is in them, are removed in the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from vincicoder.rendering.sandbox import disk

# As a browser does that has not noticed yet that its fork server is gone.
WRITER = """
import contextlib, os, sys, time
os.chdir(sys.argv[1])
end = time.monotonic() + 1.5
while time.monotonic() < end:
    with contextlib.suppress(OSError):
        os.makedirs("work", exist_ok=True)
        open(f"work/{time.monotonic()}", "w").close()
"""


def gone(directory: Path) -> bool:
    deadline = time.monotonic() + 60
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not directory.exists()


def test_a_directory_that_is_still_written_to(tmp_path: Path) -> None:
    directory = tmp_path / "root"
    directory.mkdir()
    with subprocess.Popen([sys.executable, "-c", WRITER, str(directory)]):
        while not (directory / "work").exists():
            time.sleep(0.01)
        disk.remove_tree(directory)
    assert gone(directory)


def test_deep_and_closed_directories(tmp_path: Path) -> None:
    directory = tmp_path / "root"
    (directory / "closed" / "inner").mkdir(parents=True)
    (directory / "closed").chmod(0)
    here = os.open(directory, os.O_RDONLY)
    for _ in range(1200):  # deeper than Python descends
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    disk.remove_tree(directory)
    assert gone(directory)
