"""Which layer stopped an attack, as far as that can be seen from how it ended."""

from __future__ import annotations

import errno
import os
import re

from vincicoder.attacks.attack import Attack, Layer
from vincicoder.rendering import Render
from vincicoder.status import Status

_NUMBER = re.compile(r"\[Errno (\d+)\][^\n]*?(?:: ['\"]([^'\"\n]+)['\"])?(?: ->|$| \(line|\))")
_BY_FILTER = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)
_BY_WATCH = re.compile(r"used more than|took longer than|started more than|wrote more than")
_BY_LIMITS = re.compile(
    r"wrote a file of more than|memory limit|Too many open files|start new thread|Cannot allocate|SIGXCPU"
)
_FORGED = "the renderer's own channel"


def stopped_by(attack: Attack, render: Render) -> Layer | None:
    """Return the layer that a render's end shows to have stopped an attack; None if it does not show.

    Landlock refuses paths: with EACCES, or EXDEV between directories. The filter refuses system calls: with EPERM,
    ENOSYS, EOPNOTSUPP or SIGSYS, sockets with EACCES. What a limit ends has a status of its own.
    """
    message = render.message
    if "SIGSYS" in message:
        return Layer.SECCOMP
    if _FORGED in message or render.status is Status.FOREIGN_FILE:
        return Layer.RESULT
    if _BY_WATCH.search(message):
        return Layer.WATCH
    if _BY_LIMITS.search(message) or render.status is Status.OUT_OF_MEMORY:
        return Layer.LIMITS
    if attack.surface in ("python", "browser"):
        return _of_error(message, attack.layers)
    return None


def _of_error(message: str, expected: tuple[Layer, ...]) -> Layer | None:
    found = _NUMBER.search(message)
    if found is None:
        return None
    number, path = int(found[1]), found[2]
    if number == errno.EXDEV:
        return Layer.LANDLOCK
    if number == errno.EACCES and path is not None:
        return Layer.LANDLOCK if _mine(path) else Layer.PERMISSIONS
    if number == errno.ECONNREFUSED:
        return Layer.NETWORK
    if number in (*_BY_FILTER, errno.EACCES):  # the filter comes first; what it lets through, others may refuse so too
        return next((layer for layer in (Layer.SECCOMP, Layer.CAPABILITIES, Layer.LANDLOCK) if layer in expected), None)
    return None


def _mine(path: str) -> bool:
    """Whether this process, unconfined, may do something there."""
    where = path if os.path.lexists(path) else os.path.dirname(path) or "."  # noqa: PTH120
    return os.access(where, os.R_OK) or os.access(where, os.W_OK)
