"""What a fork server is started with: an environment without secrets, and a directory for what is kept between runs."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import stat
import tempfile
from pathlib import Path

from .user_directory import font_environment, search_path


def clean_environment(cache: Path) -> dict[str, str]:
    """Return an environment without the secrets of this process, which fixes everything that changes an image."""
    return {
        "PATH": search_path(),
        "HOME": str(cache),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "XDG_CACHE_HOME": str(cache),
        "PLAYWRIGHT_BROWSERS_PATH": os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or str(_user_cache() / "ms-playwright"),
        "SOURCE_DATE_EPOCH": "1735689600",
        "FORCE_SOURCE_DATE": "1",
        **font_environment(),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS"), "1"),
    }


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def cache_directory() -> Path:
    """Return the directory for what is worth keeping between runs, such as matplotlib's list of fonts."""
    directory = _user_cache() / "vincicoder"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        directory = Path(tempfile.gettempdir()) / f"vincicoder-cache-{os.getuid()}"
        with contextlib.suppress(OSError):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not _is_private(directory):
            return _own_cache()
    return directory


def _is_private(directory: Path) -> bool:
    """Return whether this is a directory into which nobody else can put anything."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077


@functools.cache
def _own_cache() -> Path:
    directory = tempfile.mkdtemp(prefix="vincicoder-cache-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)
