"""Large pages hold what the small ones held."""

from __future__ import annotations

import subprocess
import sys

from vincicoder.rendering.sandbox import large_pages

MOVE = """
import mmap, os
from vincicoder.rendering.sandbox import large_pages
page = b"".join(bytes([n % 256]) * 4096 for n in range(2048))
memory = mmap.mmap(-1, len(page), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory[:] = page
moved = large_pages.collapse()
assert memory[:] == page
if os.fork() == 0:
    memory[0] = 1  # which the parent must not see
    os._exit(memory[1:] != page[1:])
assert os.wait()[1] == 0 and memory[:] == page
large = sum(int(line.split()[1]) for line in open("/proc/self/smaps") if line.startswith("AnonHugePages"))
print(moved, large)
"""


def test_memory_is_the_same_in_large_pages_and_in_forks_of_them() -> None:
    moved, large = map(int, subprocess.run([sys.executable, "-c", MOVE], stdout=-1, check=True).stdout.split())
    assert moved == 0 or large > 0  # an old kernel moves none


def test_files_and_what_nobody_may_write_are_left_alone() -> None:
    with open("/proc/self/maps") as maps:
        fields = [line.split() for line in maps]
    mapped = {each[0].split("-")[0] for each in fields if each[1] != "rw-p" or each[5:] not in ([], ["[heap]"])}
    assert mapped.isdisjoint(f"{first:x}" for first, _ in large_pages._written())
