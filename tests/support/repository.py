"""Where things are in the repository, however deep a test lies."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SUPPORT = ROOT / "tests" / "support"

_SKIPPED = {".git", "build", "dist", "runs", "shared", "__pycache__"}


def files(*suffixes: str) -> list[Path]:
    """Return the project's own files with these suffixes."""
    found = []
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        ignored = any(part in _SKIPPED or part.startswith(".venv") or part.endswith("_cache") for part in parts)
        if path.is_file() and not ignored and path.suffix in suffixes:
            found.append(path)
    return found
