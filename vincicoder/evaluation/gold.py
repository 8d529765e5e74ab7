"""What is computed once per sample, such as its reference's render, and kept for the next model and the next run.

The files are pickles, which run code when they are read. So they stand in a directory that is this user's alone. A
file that no run has read for three months is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from vincicoder._version import __version__
from vincicoder.errors import ConfigError

T = TypeVar("T")

_KEPT = 90 * 24 * 3600  # seconds after the last use


def gold_directory() -> Path:
    """Return the directory for what is computed once per sample, made so that nobody else can write in it.

    What has long been of no use is removed from it.

    Raises:
        ConfigError: It cannot be made, or others could write in it.

    Example:
        >>> gold_directory().name
        'gold'
    """
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vincicoder" / "gold"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"the cache {path} cannot be made ({error.strerror}); set XDG_CACHE_HOME") from error
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise ConfigError(f"the cache {path} can be written by others; remove it, or set XDG_CACHE_HOME")
    _trim(path)
    return path


def _trim(directory: Path) -> None:
    oldest = time.time() - _KEPT
    for path in directory.glob("*/*"):
        with contextlib.suppress(OSError):  # another process removed it, or uses it
            if path.stat().st_mtime < oldest:
                path.unlink()


class GoldCache:
    """Values of one sample, each computed once.

    Args:
        directory: Where they are kept; None keeps none.
        parts: All that the values depend on. Images count by their pixels.

    Example:
        >>> GoldCache(None, ["sample-1"]).get("reference", lambda: "computed")
        'computed'
    """

    def __init__(self, directory: Path | None, parts: Sequence[Any]) -> None:
        self._directory = directory
        self._key = ""
        if directory is not None:
            digest = hashlib.blake2b(__version__.encode(), digest_size=16)
            for part in parts:
                content = part.tobytes() if hasattr(part, "tobytes") else repr(part).encode()
                digest.update(hashlib.blake2b(content).digest())
            self._key = digest.hexdigest()

    def get(self, name: str, compute: Callable[[], T]) -> T:
        """Return a value, computed if it is not there."""
        if self._directory is None:
            return compute()
        path = self._directory / self._key[:2] / f"{self._key}.{name}"
        try:
            with path.open("rb") as file:
                kept: T = pickle.load(file)
                os.utime(file.fileno())
                return kept
        except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError):
            pass
        value = compute()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
            pickle.dump(value, partial, pickle.HIGHEST_PROTOCOL)
        Path(partial.name).replace(path)
        return value
