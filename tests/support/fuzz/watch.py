"""What no input may bring about: a program started, a connection made, a foreign file opened or anything written."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

_FORBIDDEN = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec")
_FORBIDDEN += ("os.posix_spawn", "os.fork", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.rmtree")
_READABLE = tuple(
    str(Path(each).resolve()) + os.sep for each in {str(ROOT), sys.prefix, sys.base_prefix, *filter(None, sys.path)}
)

_installed = False
_state = threading.local()


@functools.cache
def scratch() -> Path:
    """Return the directory in which targets may write; it goes with the process."""
    directory = Path(tempfile.mkdtemp(prefix="vincicoder-fuzz-")).resolve()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


@contextlib.contextmanager
def watched(files: bool) -> Iterator[None]:
    """Fail if the code inside reaches outside.

    Args:
        files: Whether it may open files anywhere to read them, as where an input names one.

    Raises:
        AssertionError: It did, whether the attempt failed or not, and whatever it caught itself.
    """
    global _installed
    if not _installed:  # an audit hook stays until the process ends
        sys.addaudithook(_notice)
        _installed = True
    _state.seen, _state.files, _state.own = [], files, str(scratch())
    try:
        yield
        seen = _state.seen
    finally:
        _state.seen = None
    assert not seen, f"the input reached outside: {seen[:5]}"


def _notice(event: str, args: tuple[object, ...]) -> None:
    seen = getattr(_state, "seen", None)
    if seen is None:
        return
    if event == "open":
        path, mode, flags = args
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if isinstance(path, (str, bytes)) and not _may_open(os.fsdecode(path), bool(writes)):
            seen.append((event, path, mode))
    elif event in _FORBIDDEN and not str(args[0]).startswith(_state.own):
        seen.append((event, *args))


def _may_open(path: str, writes: bool) -> bool:
    full = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - paths of hostile input, which pathlib may refuse
    if full.startswith(_state.own) or path == os.devnull:
        return True
    return not writes and (_state.files or full.startswith(_READABLE))
