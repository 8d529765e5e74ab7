"""A folder with ``index.html`` and pictures that shows what became of every response; it opens offline.

The page is data and a fixed script: whatever a response says stays JSON text that the script shows as text, and a
content security policy lets no other script run and nothing be loaded but the folder's own pictures.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder._version import __version__
from vincicoder.errors import ConfigError, TargetError
from vincicoder.images import open_target, target_key
from vincicoder.reporting.summary import Summary

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.cli.batch import Row

MAX_ROWS = 2000
"""Responses that are shown one by one; the tables cover them all."""

_TEMPLATE = Path(__file__).with_name("report_page.html")
_LONGEST_SIDE = 1200  # of stored pictures, in pixels
_LONGEST_TEXT = 20_000  # of a response or its code, in characters
_SCORES = ("overall", "visual", "coarse", "fine", "alignment", "execution")


class Report:
    """Writes a report while results come in: pictures at once, the page at the end.

    A report may be continued: a result without a picture finds the one that an earlier run left in the folder.

    Args:
        folder: Where to write; made if need be. Other files in it are left alone.
        title: Heading of the page.

    Raises:
        ConfigError: The folder cannot be written.
    """

    def __init__(self, folder: str | Path, title: str) -> None:
        self.folder = Path(folder)
        self.title = title
        self._rows: list[dict[str, Any]] = []
        self._count = 0
        self._pictures = self.folder / "pictures"
        try:
            self._pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the report folder {str(folder)!r} cannot be made: {error.strerror}") from error

    @property
    def page(self) -> Path:
        """The file to open."""
        return self.folder / "index.html"

    def add(self, row: Row, result: Mapping[str, Any], render: Image.Image | None) -> None:
        """Adds a response.

        Args:
            row: The request.
            result: Its result, as ``RewardResult.to_dict`` gives it.
            render: Its picture, or None if there is none or an earlier run of this report has it.
        """
        self._count += 1
        if len(self._rows) >= MAX_ROWS:
            return
        self._rows.append(
            {
                "number": row.number,
                "id": row.request.id or "",
                "labels": dict(row.labels),
                **{name: round(float(result[name]), 4) for name in _SCORES},
                **{name: result[name] for name in ("status", "message", "language", "grid")},
                "tiles": [round(float(value), 4) for value in result["tiles"]],
                "seconds": result["seconds"],
                "encoder": result["encoder"],
                "preset": result["preset"],
                "code": _shortened(result["code"] or ""),
                "response": _shortened(row.request.response),
                "target": self._target(row.request.target),
                "render": self._picture(f"render-{row.key}", render if result["execution"] else None),
            }
        )

    def finish(self, summary: Summary) -> Path:
        """Writes the page and returns its path."""
        data = {
            "title": self.title,
            "version": __version__,
            "summary": summary.to_dict(),
            "total": self._count,
            "rows": sorted(self._rows, key=lambda row: row["number"]),
        }
        partial = self.page.with_suffix(".partial")
        partial.write_text(_page(self.title, data), encoding="utf-8", errors="replace")
        partial.replace(self.page)
        return self.page

    def _target(self, target: Any) -> dict[str, Any] | None:
        try:
            name = f"target-{target_key(target)}"
            return self._picture(name, None) or self._picture(name, open_target(target))
        except TargetError:
            return None

    def _picture(self, name: str, image: Image.Image | None) -> dict[str, Any] | None:
        """Stores a picture, or finds it stored, and returns where it is and how large."""
        from PIL import Image

        path = self._pictures / f"{name}.webp"
        if image is not None:
            small = image.convert("RGB")
            small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
            small.save(path, "WEBP", quality=88, method=2)
        elif not path.is_file():
            return None
        with Image.open(path) as stored:
            width, height = stored.size
        shrunk = max(width, height) == _LONGEST_SIDE
        return {"src": f"pictures/{path.name}", "width": width, "height": height, "shrunk": shrunk}


def write_report(
    folder: str | Path, rows: Iterable[tuple[Row, Mapping[str, Any], Image.Image | None]], title: str
) -> Path:
    """Writes a whole report.

    Args:
        folder: Where to write; made if need be.
        rows: Request, result (as ``RewardResult.to_dict`` gives it) and picture of each response.
        title: Heading of the page.

    Returns:
        The page's path.

    Raises:
        ConfigError: The folder cannot be written.
    """
    report, summary = Report(folder, title), Summary()
    for row, result, render in rows:
        report.add(row, result, render)
        summary.add(row.labels, result)
    return report.finish(summary)


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_LONGEST_TEXT]}\n… and {len(text) - _LONGEST_TEXT:,} more characters"


def _page(title: str, data: Mapping[str, Any]) -> str:
    template = _TEMPLATE.read_text(encoding="utf-8")
    style, script = (
        f"'sha256-{base64.b64encode(hashlib.sha256(_content(template, tag).encode()).digest()).decode()}'"
        for tag in ("style", "script")
    )
    # Chromium and Firefox disagree on whether a page opened as a file is 'self'.
    policy = (
        f"default-src 'none'; img-src 'self' file:; style-src {style}; script-src {script}; base-uri 'none'; "
        "form-action 'none'"
    )
    # ASCII with < and > as escapes: no text can end the element that it stands in, and no encoding can garble it.
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    parts = {"POLICY": policy, "TITLE": html.escape(title), "DATA": text}
    return re.sub(r"\{\{(POLICY|TITLE|DATA)\}\}", lambda match: parts[match[1]], template)


def _content(template: str, tag: str) -> str:
    match = re.search(rf"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
    assert match is not None, f"the page's template has no <{tag}>"
    return match[1]
