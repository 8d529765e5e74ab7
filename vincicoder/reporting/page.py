"""A page that is data and a fixed script, in one file that opens offline.

Whatever a response says stays JSON text that the script shows as text, and a content security policy lets no other
script run and nothing be loaded but images beside the page.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_page(path: Path, template: Path, title: str, data: Mapping[str, Any]) -> None:
    """Write a page; at no time does a half-written one stand there.

    Args:
        path: The page.
        template: HTML with ``{{POLICY}}``, ``{{TITLE}}``, ``{{DATA}}`` and ``{{SCRIPT}}``; its script has the same name
            with the suffix ``.js``.
        title: Of the page.
        data: What the script shows, ready for JSON.
    """
    partial = path.with_suffix(".partial")
    partial.write_text(_page(template, title, data), encoding="utf-8", errors="replace")
    partial.replace(path)


def _page(template: Path, title: str, data: Mapping[str, Any]) -> str:
    page = template.read_text(encoding="utf-8")
    script = "\n" + template.with_suffix(".js").read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None, "the page's template has no <style>"
    # Chromium and Firefox disagree on whether a page opened as a file is 'self'.
    policy = (
        f"default-src 'none'; img-src 'self' file:; style-src {_digest(style[1])}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    # ASCII with < and > as escapes: no text can end the element that it stands in, and no encoding can garble it.
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    parts = {"POLICY": policy, "TITLE": html.escape(title), "DATA": text, "SCRIPT": script}
    return re.sub(r"\{\{(POLICY|TITLE|DATA|SCRIPT)\}\}", lambda match: parts[match[1]], page)


def _digest(content: str) -> str:
    """Return what a content security policy knows a style or a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
