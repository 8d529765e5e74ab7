"""What came of a job: everything here was under the control of hostile code until it has been checked."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vincicoder.rendering.config import Limits
from vincicoder.rendering.facts import Facts, FactsError
from vincicoder.rendering.renderer import Redirect
from vincicoder.status import Status

from . import child, disk, wire

_FORGED = "the code wrote to the renderer's own channel"
_DISK_FULL = "the file system of the temporary directory is full or read-only"
_BY_A_FULL_DISK = (  # how a render ends that cannot write
    Status.RUNTIME_ERROR,
    Status.OUT_OF_MEMORY,
    Status.NO_OUTPUT,
    Status.TOO_LARGE,
    Status.FOREIGN_FILE,
    Status.INFRASTRUCTURE,
)


@dataclass(frozen=True)
class Asked:
    """What a job may answer.

    Attributes:
        image: Name of the file with the image, and the images of prefixes behind it.
        prefixes: Most of these; 0 where none were asked for.
        length: Characters of the code, where the last of them ends at the latest.
    """

    image: str
    prefixes: int = 0
    length: int = 0


class Part(NamedTuple):
    """What a prefix shows and the one before does not, or what the first one shows on white.

    Attributes:
        end: Where the prefix ends, in characters of the code.
        box: Left, top, right and bottom of the part in the image.
        pixels: Its bytes, RGB row by row.
    """

    end: int
    box: tuple[int, int, int, int]
    pixels: bytes


@dataclass(frozen=True)
class JobResult:
    """What came of one job.

    Attributes:
        status: Outcome.
        message: Why there is no image.
        size: Width and height of the image in pixels, or None.
        pixels: Its bytes, RGB row by row, or None.
        redirect: What another renderer must render instead, or None.
        facts: What the renderer knows of the image, checked, or None.
        note: Why facts were dropped; empty if none were.
        embedded_bytes: Bytes of raster images that the code brought along, as the child counted them.
        prefixes: What the images of prefixes are made of.
        seconds: Wall time in the child.
        cpu_seconds: CPU time of the child and what it started.
    """

    status: Status
    message: str = ""
    size: tuple[int, int] | None = None
    pixels: bytes | None = None
    redirect: Redirect | None = None
    facts: Facts | None = None
    note: str = ""
    embedded_bytes: int = 0
    prefixes: tuple[Part, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def job_result(
    answer: wire.Message | None, verdict: wire.Message, limits: Limits, runs_programs: bool, asked: Asked
) -> JobResult:
    """Return what came of a job.

    Args:
        answer: What the child answered on the job's socket, or None.
        verdict: What the fork server says of the child: its times, its directory, whether it was ended and why.
        limits: The limits of the job.
        runs_programs: Whether the code runs in another program, so that the child's word on faults is believed.
        asked: What the job may answer.
    """
    times: dict[str, Any] = {"seconds": verdict["seconds"], "cpu_seconds": verdict["cpu_seconds"]}
    if "status" in verdict:
        return JobResult(Status(verdict["status"]), verdict["message"], **times)
    result = _outcome(answer, verdict, limits, runs_programs, asked, times)
    if verdict["disk_full"] and result.status in _BY_A_FULL_DISK:
        # By the server's own measure there was less room than a job may use: no code can be blamed for that.
        return JobResult(Status.INFRASTRUCTURE, f"{_DISK_FULL}: {result.message}"[:4000], **times)
    return result


def _outcome(
    answer: wire.Message | None,
    verdict: wire.Message,
    limits: Limits,
    runs_programs: bool,
    asked: Asked,
    times: dict[str, Any],
) -> JobResult:
    directory = Path(verdict["directory"])
    if answer is None and "ended" in verdict:
        status, message = _death(verdict, limits, directory, runs_programs)
        return JobResult(status, message, **times)
    if answer is None or not _is_honest(answer, runs_programs):
        return JobResult(Status.RUNTIME_ERROR, _FORGED, **times)
    return _result(answer, directory, asked, limits.pixels, times)


def _is_honest(answer: wire.Message, runs_programs: bool) -> bool:
    """Return whether an honest child could have said this; hostile code may have written to the channel itself.

    Nested values are refused, because the next parser may fail at a depth that this one can read. A child may blame
    something other than the code only where the code runs in another program (a browser, TeX).
    """
    redirect = answer.get("redirect")
    values = [*answer.values(), *redirect.values()] if isinstance(redirect, dict) else list(answer.values())
    nested = any(isinstance(value, dict | list) for value in values if value is not redirect)
    blames_others = answer.get("status") in (Status.INFRASTRUCTURE.value, Status.BAD_TARGET.value)
    return not nested and (runs_programs or not blames_others)


def _death(verdict: wire.Message, limits: Limits, directory: Path, runs_programs: bool) -> tuple[Status, str]:
    """Say why a child ended without an answer."""
    ended, cpu = verdict["ended"], verdict["cpu_seconds"]
    errors = _tail(directory / child.ERRORS)
    if not ended["opened"]:
        return Status.INFRASTRUCTURE, f"a worker could not start: {errors or 'it said no reason'}"
    status = ended["status"]
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu >= limits.cpu_seconds):
        return Status.TIMEOUT, f"used more than {limits.cpu_seconds:g} s of CPU time"
    if number == signal.SIGXFSZ:
        return Status.TOO_LARGE, f"wrote a file of more than {limits.output_mb} MiB"
    lost_program = runs_programs and os.WIFEXITED(status) and os.WEXITSTATUS(status) == child.KILLED
    if number == signal.SIGKILL or lost_program:  # which the filter keeps code from sending, so it came from outside
        return Status.INFRASTRUCTURE, "the worker was killed from outside, as when a machine runs out of memory"
    if "bad_alloc" in errors or "MemoryError" in errors:
        return Status.OUT_OF_MEMORY, "the memory limit was reached"
    if status == 0:
        return Status.NO_OUTPUT, "the code ended its own process before there was an image"
    end = f"signal {signal.Signals(number).name}" if number else f"exit code {os.WEXITSTATUS(status)}"
    return Status.RUNTIME_ERROR, f"the process ended with {end}. {errors}".strip()


def _tail(path: Path, size: int = 1000) -> str:
    """Read the end of a file that hostile code may have replaced."""
    fd = open_regular(path)
    if fd is None:
        return ""
    with open(fd, "rb") as file:
        file.seek(max(0, os.fstat(fd).st_size - size))
        return file.read(size).decode("utf-8", "replace").strip()


def open_regular(path: Path) -> int | None:
    """Open what hostile code may have replaced by a link, a pipe, a directory or something endless; None if it has.

    Raises:
        OSError: This process is out of descriptors or memory.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in disk.BY_THE_MACHINE:
            raise
        return None
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return None


def _result(answer: wire.Message, directory: Path, asked: Asked, most_pixels: int, times: dict[str, Any]) -> JobResult:
    """Check what a child claims."""
    try:
        status, text = Status(answer["status"]), str(answer.get("message", ""))[:4000]
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair would break whoever prints it
        if status is not Status.OK:
            return JobResult(status, text, **times)
        if isinstance(answer.get("redirect"), dict):
            return JobResult(status, redirect=_redirect(answer["redirect"]), **times)
        size = (int(answer["width"]), int(answer["height"]))
        embedded = max(0, int(answer.get("embedded_bytes", 0)))
        places = _places(answer.get("prefixes", ""), size, asked)
    except (KeyError, TypeError, ValueError, OverflowError):
        return JobResult(Status.RUNTIME_ERROR, _FORGED, **times)
    areas = [size[0] * size[1], *((right - left) * (bottom - top) for _, (left, top, right, bottom) in places)]
    if sum(areas) > most_pixels:
        return JobResult(Status.TOO_LARGE, f"the image has more than {most_pixels} pixels", **times)
    try:
        images = _read_images(directory / asked.image, areas) if min(size) > 0 else None
    except OSError as error:
        return JobResult(Status.INFRASTRUCTURE, f"the image cannot be read: {error}", **times)
    if images is None:
        return JobResult(Status.FOREIGN_FILE, "the image is not a regular file of the size that was announced", **times)
    facts, note = _facts(answer.get("facts"))
    prefixes = tuple(Part(*place, pixels) for place, pixels in zip(places, images[1:], strict=True))
    known: dict[str, Any] = {"facts": facts, "note": note, "embedded_bytes": embedded, "prefixes": prefixes, **times}
    return JobResult(status, size=size, pixels=images[0], **known)


def _places(text: Any, size: tuple[int, int], asked: Asked) -> list[tuple[int, tuple[int, int, int, int]]]:
    """Return where prefixes end, and where their parts of the image lie.

    Raises:
        ValueError: They are not what an honest child could have said.
    """
    if not isinstance(text, str) or len(text) > 60 * asked.prefixes:
        raise ValueError("not the prefixes that were asked for")
    numbers = [int(each) for each in text.split()]
    places = []
    before = -1
    for end, left, top, right, bottom in zip(*(iter(numbers),) * 5, strict=True):
        if not (before < end <= asked.length and 0 <= left <= right <= size[0] and 0 <= top <= bottom <= size[1]):
            raise ValueError("not a prefix of this code, or not a part of this image")
        places.append((end, (left, top, right, bottom)))
        before = end
    if len(places) > asked.prefixes:
        raise ValueError("more prefixes than were asked for")
    return places


def _facts(text: Any) -> tuple[Facts | None, str]:
    """Return a child's facts, or None and why they were dropped."""
    if text is None:
        return None, ""
    try:
        if not isinstance(text, str):
            raise FactsError("they are not a text")
        return Facts.from_json(text), ""
    except FactsError as error:
        return None, f"the renderer's facts were dropped: {error}"[:500]


def _redirect(data: dict[str, Any]) -> Redirect:
    width, height, scale = int(data["width"]), int(data["height"]), float(data["scale"])
    if not (0 <= width <= 20_000 and 0 <= height <= 20_000 and 0.1 <= scale <= 10):
        raise ValueError("size out of range")
    return Redirect(str(data["language"]), str(data["code"]), width, height, scale)


def _read_images(path: Path, areas: list[int]) -> list[bytes] | None:
    """Read images of announced sizes in pixels; None if the file is not just these."""
    if (fd := open_regular(path)) is None:
        return None
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if found.st_nlink != 1 or found.st_size != 3 * sum(areas):
            return None
        images = [file.read(3 * area) for area in areas]
    with contextlib.suppress(OSError):
        path.unlink()
    return images if all(len(each) == 3 * area for each, area in zip(images, areas, strict=True)) else None
