"""Targets: image files of a hostile data set, and what else may be given for one.

Each is opened as scoring opens it, in a process of its own whose first program named ``gs`` is a trap.
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

from vincicoder.attacks.attack import Attack, Layer, Probe, Seen, listed
from vincicoder.attacks.bait import Bait
from vincicoder.attacks.services import Services

_SECONDS, _MEMORY_MB = 60, 1024

_OPEN = """
import json, sys
from vincicoder.errors import TargetError
from vincicoder.images import is_inline, open_target
given = json.load(sys.stdin)
if "bytes" in given: target = bytes.fromhex(given["bytes"])
elif "nested" in given:
    target = "x"
    for _ in range(given["nested"]): target = [target]
elif "itself" in given:
    target = []
    target.append(target)
else: target = given["text"]
try:
    if isinstance(target, str): is_inline(target)
    image = open_target(target)
    said = f"opened {image.size}"
except TargetError as error:
    said = f"TargetError: {error}"
except RecursionError as error:
    said = f"RecursionError: {error}"
# Not from getrusage, which counts what the process was before it became Python: a copy of the one that started it.
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps([said, int(peak) >> 10]))
"""


def _png(width: int, height: int, chunks: bytes = b"", depth: int = 8, colours: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    rows = zlib.compress(bytes(10**6))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + chunks + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bomb(length: int = 200 << 20) -> bytes:
    return zlib.compress(bytes(length), 9)


def _saved(kind: str, size: tuple[int, int], **options: Any) -> bytes:
    data = io.BytesIO()
    Image.new("1" if kind in ("TIFF", "PPM") else "P", size).save(data, kind, **options)
    return data.getvalue()


def _frames() -> bytes:
    data = io.BytesIO()
    frames = [Image.new("P", (1000, 1000), n % 250) for n in range(60)]
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:])
    return data.getvalue()


def _icon() -> bytes:
    entry = _png(60000, 60000)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(entry), 22) + entry


_EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


def _given(make: Callable[[dict[str, Any]], dict[str, Any]]) -> Probe:
    """Return an attack that gives what ``make`` makes of the names of the bait for a target."""

    def probe(bait: Bait, _: Services) -> Seen:
        names = bait.names()
        programs = bait.directory / "programs"
        with_trap = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
        command = [sys.executable, "-c", _OPEN]
        done = subprocess.run(
            command,
            input=json.dumps(make(names)),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "PATH": with_trap, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        if bait.secret in done.stdout:
            return Seen("the message holds the secret")
        try:
            said, memory_mb = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            return Seen(f"the process ended with {done.returncode}: {done.stderr.strip()[-200:]}")
        if memory_mb > _MEMORY_MB:
            return Seen(f"it took {memory_mb} MiB")
        return Seen("" if not said.startswith("RecursionError") else said, f"{said[:160]} ({memory_mb} MiB)")

    return probe


def _file(content: Callable[[], bytes]) -> Probe:
    return _given(lambda _: {"bytes": content().hex()})


def _text(form: str) -> Probe:
    return _given(lambda names: {"text": form.format(**names)})


_ROWS: dict[str, tuple[str, Probe]] = {
    "eps": ("have Ghostscript started by a PostScript file", _file(lambda: _EPS)),
    "eps-base64": ("the same by base64 text", _given(lambda _: {"text": base64.b64encode(_EPS).decode()})),
    "eps-data-url": (
        "the same by a data: URL",
        _given(lambda _: {"text": "data:image/png;base64," + base64.b64encode(_EPS).decode()}),
    ),
    "pdf": ("have another program opened by a PDF file", _file(lambda: _PDF)),
    "svg": ("have an SVG opened", _file(lambda: _SVG)),
    "pixels": ("be 60,000 pixels square in a few bytes", _file(lambda: _png(60000, 60000))),
    "pixels-below-pillows-limit": ("be just what Pillow still opens", _file(lambda: _png(13000, 13000))),
    "pixels-of-bits": ("be huge in single bits", _file(lambda: _png(20000, 20000, depth=1, colours=0))),
    "empty": ("have no pixels", _file(lambda: _png(0, 0))),
    "icon": ("hide a huge image in an icon", _file(_icon)),
    "tiff": ("be huge as a compressed TIFF", _file(lambda: _saved("TIFF", (6000, 6000), compression="group4"))),
    "gif": ("be an animation of sixty frames", _file(_frames)),
    "ppm": ("announce a size without content", _file(lambda: b"P6 99999 99999 255\n")),
    "text-bomb": ("hold a text that grows to 200 MiB", _file(lambda: _png(9, 9, _chunk(b"zTXt", b"a\0\0" + _bomb())))),
    "profile-bomb": (
        "hold a colour profile that grows to 200 MiB",
        _file(lambda: _png(9, 9, _chunk(b"iCCP", b"a\0\0" + _bomb()))),
    ),
    "many-chunks": ("hold 100,000 texts", _file(lambda: _png(9, 9, _chunk(b"tEXt", b"a\0b") * 100_000))),
    "endless-file": ("be a file without end", _text("/dev/zero")),
    "pipe": ("be a pipe that nobody writes to", _text("{DIRECTORY}/pipe")),
    "terminal": ("be the terminal", _text("/dev/tty")),
    "network": ("be fetched from a server of this machine", _text("http://127.0.0.1:{TCP}/a.png")),
    "network-hidden": ("be fetched by another scheme", _text("ftp://127.0.0.1:{TCP}/a.png")),
    "text-file": ("show what is in a file that is no image", _text("{FILE}")),
    "nested": ("be a list in a list, a thousand deep", _given(lambda _: {"nested": 1000})),
    "itself": ("be a list that holds itself", _given(lambda _: {"itself": True})),
    "garbage": ("be a damaged file", _file(lambda: _png(9, 9)[:50] + bytes(500))),
}

ATTACKS: tuple[Attack, ...] = listed("target", (Layer.TARGETS,), _ROWS)
