"""What the gallery of a run shows, read from its files."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any


def shown_rows(directory: Path) -> dict[int, list[dict[str, Any]]]:
    """Return the rows that a gallery shows, by step, having made sure that their images are there."""
    steps = {int(file.stem): json.loads(file.read_text("utf-8")) for file in (directory / "steps").glob("*.json")}
    sources = [
        row[name]["src"] for rows in steps.values() for row in rows for name in ("target", "render") if row[name]
    ]
    assert all((directory / source).is_file() for source in sources)
    assert (directory / "index.html").is_file()
    return dict(sorted(steps.items()))


def assert_gallery_shows(directory: Path, earned: Collection[float], least: int) -> dict[int, list[dict[str, Any]]]:
    """Make sure that a gallery shows samples with their targets and what they earned, and return its rows.

    Args:
        directory: The gallery's.
        earned: Every reward of the run.
        least: Steps that it has, or more.
    """
    steps = shown_rows(directory)
    assert len(steps) >= least
    for row in [row for rows in steps.values() for row in rows]:
        assert any(abs(row["overall"] - each) < 1e-4 for each in earned)
        assert row["target"]
    assert any(row["render"] for rows in steps.values() for row in rows)
    return steps
