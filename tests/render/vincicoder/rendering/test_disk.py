"""A small disk of its own, in a throw-away mount namespace: hogs are stopped, and a full disk is nobody's bad answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_mounts import run_with_own_mounts

_DISK_MB, _LIMIT_MB = 600, 64
_TOLERANCE_MB = 96  # what is written between two looks, and what honest neighbours have on the disk meanwhile

_COMMON = """
import threading, time
NAMES = ("python", "svg", "html", "latex")
def free():
    found = os.statvfs(TMPDIR)
    return found.f_bavail * found.f_frsize
def answer(render):
    image = render.image
    return [render.status.value, render.message, image and hash(image.tobytes())]
"""

_BESIDE_HOGS = """
HOGS = {hogs!r}
result = {{"hogs": {{}}, "neighbours": {{}}, "lost_mb": {{}}}}
with RenderPool(workers=2, limits=Limits(cpu_seconds=60, wall_seconds=120, output_mb={limit})) as pool:
    expected = {{name: answer(pool.render(sample(name, 0), name)) for name in NAMES}}
    result["expected"] = {{name: status for name, (status, *_) in expected.items()}}
    number = 0
    for hog, code in HOGS.items():
        start = lowest = free()
        job = pool.submit(code, "python")
        wrong = []
        def watch():
            global lowest
            while not job.done():
                lowest = min(lowest, free())
                time.sleep(0.002)
        watcher = threading.Thread(target=watch)
        watcher.start()
        while not job.done():
            number += 1
            for name in NAMES:
                found = answer(pool.render(sample(name, number), name))
                if found != expected[name]:
                    wrong.append([name, found[:2]])
        watcher.join()
        result["hogs"][hog] = answer(job.result())[:2]
        result["neighbours"][hog] = wrong
        result["lost_mb"][hog] = (start - lowest) >> 20
print(json.dumps(result))
"""

_HELPERS = """
import ctypes, os, threading
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def write(name, mb):
    fd = os.open(name, os.O_RDWR | os.O_CREAT)
    for _ in range(mb):
        os.write(fd, b'x' * (1 << 20))
    return fd
"""

_HOGS = {
    "mapped, unlinked and closed": _HELPERS
    + "for i in range(8):\n  fd = write('f', 60)\n  libc.mmap(None, 4096, 1, 1, fd, 0)\n  os.unlink('f')\n  os.close(fd)\n"
    "threading.Event().wait(60)",
    "replaced by a rename": _HELPERS
    + "for i in range(8):\n  fd = write('f', 60)\n  libc.mmap(None, 4096, 1, 1, fd, 0)\n  os.close(fd)\n"
    "  open('g', 'w').close()\n  os.rename('g', 'f')\nthreading.Event().wait(60)",
    "allocated at once": _HELPERS
    + "for i in range(10):\n  fd = os.open(f'f{i}', os.O_RDWR | os.O_CREAT)\n  libc.fallocate(fd, 0, ctypes.c_long(0),"
    " ctypes.c_long(64 << 20))\nthreading.Event().wait(3)\nfor i in range(10): write(f'f{i}', 60)\nthreading.Event().wait(60)",
    "written fast": _HELPERS + "for i in range(10): write(f'f{i}', 60)\nthreading.Event().wait(60)",
    "held by a thread with descriptors of its own": _HELPERS
    + "def hold():\n  libc.syscall(436, 900, 901, 2)\n  for i in range(8):\n    write('f', 60)\n    os.unlink('f')\n"
    "  threading.Event().wait(60)\nthread = threading.Thread(target=hold)\nthread.start()\nthread.join()",
}

_FULL = """
result = {{}}
def fill(leave):
    with open(TMPDIR + "/ballast", "ab") as file:
        if free() < leave:
            file.truncate(os.path.getsize(TMPDIR + "/ballast") - (leave - free()))
        while free() > leave:
            file.write(b"x" * min(1 << 20, free() - leave))
            file.flush()
with RenderPool(workers=1, limits=Limits(output_mb={limit})) as pool:
    for name in NAMES:
        pool.start(name)
    result["before"] = {{name: answer(pool.render(sample(name, 0), name))[:2] for name in NAMES}}
    for leave in (0, 256 << 10, 1 << 20):
        found = result["%d bytes left" % leave] = {{}}
        for name in NAMES:
            fill(leave)
            found[name] = answer(pool.render(sample(name, leave + 1), name))[:2]
    os.remove(TMPDIR + "/ballast")
    result["code that says so"] = answer(pool.render("raise OSError(28, 'No space left on device')", "python"))[:2]
    result["after"] = {{name: answer(pool.render(sample(name, 9), name))[:2] for name in NAMES}}
print(json.dumps(result))
"""


@pytest.fixture
def mount_point() -> Iterator[Path]:
    """Its path is short, as a browser's sockets need it."""
    with tempfile.TemporaryDirectory(prefix="disk-") as directory:
        yield Path(directory)


def on_a_small_disk(directory: Path, script: str, **values: Any) -> Any:
    """Run a script whose temporary directory is a disk of 600 MB."""
    disk = f'mount -t tmpfs -o size={_DISK_MB}m tmpfs "$TMPDIR"'
    return run_with_own_mounts(directory, disk, _COMMON + script.format(limit=_LIMIT_MB, **values))


def test_a_hog_is_stopped_before_its_neighbours_notice(mount_point: Path) -> None:
    found = on_a_small_disk(mount_point, _BESIDE_HOGS, hogs=_HOGS)
    assert found["expected"] == dict.fromkeys(("python", "svg", "html", "latex"), "ok")
    assert {hog: status for hog, (status, _) in found["hogs"].items()} == dict.fromkeys(_HOGS, "too_large"), found
    assert found["neighbours"] == {hog: [] for hog in _HOGS}
    assert {hog: lost for hog, lost in found["lost_mb"].items() if lost > _LIMIT_MB + _TOLERANCE_MB} == {}, found


@pytest.mark.slow
def test_a_full_disk_is_the_machines_fault_and_passes(mount_point: Path) -> None:
    found = on_a_small_disk(mount_point, _FULL)
    for moment in ("before", "after"):
        assert {status for status, _ in found[moment].values()} == {"ok"}, found[moment]
    for moment in (name for name in found if name.endswith("left")):
        wrong = {name: result for name, result in found[moment].items() if result[0] not in ("ok", "infrastructure")}
        assert wrong == {}, (moment, wrong)
    # TeX may find the room that another file has just left; then there is an image, and nobody is to blame.
    full = {name: result for name, result in found["0 bytes left"].items() if (name, result[0]) != ("latex", "ok")}
    assert {"python", "svg", "html"} <= full.keys()
    assert {name: status for name, (status, _) in full.items()} == dict.fromkeys(full, "infrastructure")
    assert all("No space left" in message or "full" in message for _, message in full.values()), full
    assert found["code that says so"][0] in ("runtime_error", "too_large")
