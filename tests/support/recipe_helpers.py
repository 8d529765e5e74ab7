"""Records, sources and steps for the tests of data recipes."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw
from repository import ROOT

from data_recipes.engine.shards import CHUNK
from data_recipes.engine.units import Row, Unit
from vincicoder.data import BadRow, DataError, Reason, Record

SETTINGS = {"seed": 0}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96">\n'


def svg_of(left: int, colour: str = "red") -> str:
    rects = (
        f'<rect width="96" height="96" fill="white"/>\n<rect x="{left}" y="20" width="32" height="32" fill="{colour}"/>'
    )
    return f"{SVG}{rects}\n</svg>"


def png_of(left: int, colour: str = "red", size: tuple[int, int] = (96, 96)) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((left, 20, left + 31, 51), fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def record_of(number: int, **changes) -> Record:
    values = {
        "id": f"r{number}",
        "domain": "svg",
        "task": "generate",
        "language": "svg",
        "prompt": "Draw this as SVG.",
        "code": svg_of(number % 60),
        "target": png_of(number % 60),
        "checks": {"number": number},
    }
    return Record(**(values | changes))


class Numbered:
    """A source of ``count`` records in units of ``size``."""

    def __init__(self, count: int = 700, size: int = 300) -> None:
        self.count, self.size = count, size

    def units(self):
        starts = range(0, self.count, self.size)
        return [Unit(n, min(self.size, self.count - start), start) for n, start in enumerate(starts)]

    def read(self, unit):
        for number in range(unit.where, unit.where + unit.rows):
            yield Row(f"r{number}", record_of(number))


def every_third(records, drops):
    """A step that leaves out every third record."""
    kept = []
    for record in records:
        if record.checks["number"] % 3 == 0:
            drops.add(record.id, BadRow(Reason.SIMPLE, "a third"))
        else:
            kept.append(record)
    return kept


def every_third_for_a_reason_of_its_chunk(records, drops):
    """A step that leaves out rows for other reasons in every chunk, and stops at the row 650."""
    reasons, kept = list(Reason), []
    for record in records:
        number = record.checks["number"]
        if number == 650:
            raise DataError("row 650 is where it ends")
        if number % 3 == 0:
            drops.add(record.id, BadRow(reasons[number // CHUNK], "a third"))
        else:
            kept.append(record)
    return kept


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def start(arguments: Sequence[str], **options) -> subprocess.Popen:
    """Start Python in the repository's root; what it prints on standard error is thrown away."""
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | options
    )


def killed_at_work(arguments: Sequence[str], directory: Path, rng: random.Random, breath: float = 0.06) -> bool:
    """Run Python, kill it after the next shard or a few more and ``breath`` seconds at most; whether it came to that."""

    def shards() -> int:
        return len(list(directory.glob("*.parquet")))

    enough, process = shards() + rng.randint(1, 3), start(arguments)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and shards() < enough:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, breath))
    killed = process.poll() is None
    if killed:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return killed
