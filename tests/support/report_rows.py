"""Rows and results of a report, and a response that wants out of its place in the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from vincicoder.reporting import Report, Summary

HOSTILE = (
    "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
    "<!--<script>\u2028\u2029{{DATA}}{{POLICY}}&lt;b&gt;\ud800"
)


def row(number: int = 1, target: Any = None, response: str = "text", **labels: str) -> dict[str, Any]:
    """What a report takes besides a result and its render."""
    target = Image.new("RGB", (40, 30), "red") if target is None else target
    return {"number": number, "key": f"key{number}", "target": target, "response": response, "labels": labels}


def result(status: str = "ok", **changes: Any) -> dict[str, Any]:
    drew = status == "ok"
    data: dict[str, Any] = {
        **dict.fromkeys(("overall", "visual", "coarse", "fine"), 0.9 if drew else 0.0),
        "alignment": 1.0,
        "execution": float(drew),
        "status": status,
        "message": "" if drew else "it failed",
        "language": "svg",
        "code": "<svg/>",
        "grid": [2, 1] if drew else None,
        "tiles": [0.95, 0.85] if drew else [],
        "encoder": "embedded",
        "preset": "paper",
        "seconds": {"render": 0.1, "total": 0.2},
    }
    return {**data, **changes}


IMAGE = Image.new("RGB", (400, 200), "blue")


def write_report(directory: Path, entries: Iterable[tuple[dict[str, Any], dict[str, Any], Any]], title: str) -> Path:
    report, summary = Report(directory, title), Summary()
    for request, scored, render in entries:
        named = {**scored, "id": f"id{request['number']}"}
        report.add(named, render=render, **request)
        summary.add(named, request["labels"])
    return report.finish(summary)


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data
