"""Results that are kept, so that what is finished is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def kept(path: Path, settings: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a result from its file, or make it and leave it there.

    Args:
        path: The file, in JSON.
        settings: What the result must have under ``settings``.
        make: What makes it.

    Raises:
        ValueError: The file has a result of other settings.
    """
    if not path.exists():
        result = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(result, indent=1))
        partial.replace(path)
    found: dict[str, Any] = json.loads(path.read_text())
    if found["settings"] != settings:
        raise ValueError(f"{path} was run with {found['settings']}, not {settings}; give another --out.")
    return found
