"""How attack code gets to know its bait: constants before a script, ``{NAMES}`` in everything else."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from typing import Any

from vincicoder.rendering.config import Limits
from vincicoder.rendering.sandbox.seccomp import MACHINES
from vincicoder.rendering.sandbox.syscalls import NUMBERS

_NAME = re.compile(r"\{([A-Z_]+)\}")

_PRELUDE = """
import ctypes, errno, os, signal, socket, sys, threading
{constants}
LIBC = ctypes.CDLL(None, use_errno=True)
def escaped(what=''):
    raise SystemExit('ESC' + 'APED: ' + str(what)[:300])
def raw(number, *words):
    '''Make a system call by its number; what the kernel answers is an exception, as in Python's own functions.'''
    words = [word if isinstance(word, bytes) or word is None else ctypes.c_long(word) for word in words]
    result = LIBC.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def reach(name, *words):
    '''Make a system call that no code needs: it has escaped if the kernel itself has looked at the arguments.'''
    try:
        result = raw(CALLS[name] if isinstance(name, str) else name, *words)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        result = os.strerror(error.errno)
    escaped(result)
def wait(seconds):
    threading.Event().wait(seconds)
"""


def numbers() -> dict[str, int]:
    """Return the numbers of the system calls that the filter knows, for this machine; empty where it knows none."""
    found = MACHINES.get(platform.machine())
    if found is None:
        return {}
    column = found[1]
    return {name: number for name, row in NUMBERS.items() if (number := row[column]) is not None}


def script(body: str, names: Mapping[str, Any], limits: Limits) -> str:
    """Return a Python script: the names of the bait and of the limits as constants, helpers, and the attack itself."""
    words = set(re.findall(r"\w+", body))
    used = {name: number for name, number in numbers().items() if name in words}
    constants = {
        **{name: value for name, value in names.items() if name in words},
        "CPU_SECONDS": limits.cpu_seconds,
        "WALL_SECONDS": limits.wall_seconds,
        "MEMORY_MB": limits.memory_mb,
        "OUTPUT_MB": limits.output_mb,
        "TASKS": limits.tasks,
        "CALLS": used,
    }
    lines = "\n".join(f"{name} = {value!r}" for name, value in constants.items())
    return f"{_PRELUDE.format(constants=lines)}\n{body}"


def filled(text: str, names: Mapping[str, Any]) -> str:
    """Return markup or TeX with the names of the bait put in for ``{NAMES}``; other braces stay."""
    return _NAME.sub(lambda match: str(names.get(match[1], match[0])), text)
