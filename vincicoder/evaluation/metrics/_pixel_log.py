"""What hooks around a program saw of its run, brought out of the sandbox.

An image is the one thing that every renderer and every scorer hands over. So the log is written as the pixels of one,
and no new way out of the sandbox is needed. It comes from the process that ran hostile code and is read as such.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from vincicoder.rendering import Render

_HEAD = b"VCLOG"
_WRITE = f"""

def _vc_write(log):
    import json

    from PIL import Image

    content = json.dumps(log, default=float).encode()
    content = {_HEAD!r} + len(content).to_bytes(4, "big") + content
    rows = -(-len(content) // (3 * 256))
    Image.frombytes("RGB", (256, rows), content.ljust(rows * 3 * 256, b"\\0")).save("log.png")


_vc_write(_vc_report())
"""


def run_hooked(hooks: Path, code: str, run: Callable[[str, str], Render]) -> Any:
    """Run Python code behind hooks and return what they report.

    Args:
        hooks: A file of code that goes before, and that defines ``_vc_report()``, which returns JSON-ready values.
        code: The code.
        run: Renders code in the sandbox.

    Returns:
        Whatever JSON was reported, to be checked by the caller; None where the code did not come to its end.
    """
    return read(run(f"{_text(hooks)}\n{code}\n{_WRITE}", "python").image)


def read(image: Image.Image | None) -> Any:
    """Return the JSON in the pixels of an image, or None if there is none."""
    content = image.tobytes() if image is not None else b""
    start = len(_HEAD) + 4
    if not content.startswith(_HEAD):
        return None
    try:
        return json.loads(content[start : start + int.from_bytes(content[len(_HEAD) : start], "big")])
    except (ValueError, RecursionError):
        return None


@cache
def _text(path: Path) -> str:
    return path.read_text("utf-8")
