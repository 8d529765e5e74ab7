"""What an ordinary user installed for renders, without root: a TeX, and fonts.

`vincicoder install` puts both below one directory. A TeX elsewhere counts too, if the user's PATH leads to it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where programs are looked for first, so that a user's own change no image."""


def user_directory() -> Path:
    """Return the directory that holds them, whether it is there or not."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()) / "vincicoder"


def font_environment() -> dict[str, str]:
    """Return the variables by which fontconfig and matplotlib find fonts that were installed for renders, if any."""
    directory = user_directory()
    return {"XDG_DATA_HOME": str(directory)} if (directory / "fonts").is_dir() else {}


def search_path() -> str:
    """Return the PATH of renderers: the system's directories, and behind them the one of the user's TeX, if any."""
    if shutil.which("pdflatex", path=SYSTEM_PATH):
        return SYSTEM_PATH
    homes = (user_directory(), Path("~").expanduser())
    found = [path for home in homes for path in sorted(home.glob(".TinyTeX/bin/*/pdflatex"))]
    if on_path := shutil.which("pdflatex"):
        found.append(Path(on_path))
    return ":".join([SYSTEM_PATH, *(str(path.parent) for path in found[:1])])
