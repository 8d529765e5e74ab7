"""A page in one file that opens offline: data and fixed scripts, or text that is all there.

Whatever a response says stays JSON text that the script shows as text, and a content security policy lets no other
script run and nothing be loaded but images beside the page. All pages have the same head, palette and tools.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_SCRIPTS = """<script type="application/json" id="data">{{DATA}}</script>
<script>{{SCRIPT}}</script>
"""


def write_page(path: Path, template: Path, title: str, data: Mapping[str, Any], parts: Sequence[str] = ()) -> None:
    """Write a page of data; at no time does a half-written one stand there.

    Args:
        path: The page.
        template: What its body holds besides the script, as HTML. Its style and its script have the same name with the
            suffixes ``.css`` and ``.js``.
        title: Of the page.
        data: What the script shows, ready for JSON.
        parts: Names of scripts and styles beside this file that its own need.
    """
    style = _texts([_HERE / f"{name}.css" for name in ("page", *parts)] + [template.with_suffix(".css")])
    script = _texts([_HERE / f"{name}.js" for name in ("page", *parts)] + [template.with_suffix(".js")])
    # ASCII with < and > as escapes: no text can end the element that it stands in, and no encoding can garble it.
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    _write(path, _page(title, template.read_text(encoding="utf-8") + _SCRIPTS, style, script, {"DATA": text}))


def write_text_page(path: Path, title: str, body: str, style: str = "") -> None:
    """Write a page without a script; at no time does a half-written one stand there.

    Args:
        path: The page.
        title: Of the page.
        body: HTML, in which every text of others is escaped.
        style: CSS that comes behind the style of all pages.
    """
    _write(path, _page(title, "{{BODY}}", _texts([_HERE / "page.css"]) + style, "", {"BODY": body}))


def _texts(paths: Sequence[Path]) -> str:
    return "\n" + "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


def _page(title: str, body: str, style: str, script: str, parts: Mapping[str, str]) -> str:
    # Chromium and Firefox disagree on whether a page opened as a file is 'self'.
    scripts = _digest(script) if script else "'none'"
    policy = (
        f"default-src 'none'; img-src 'self' file:; style-src {_digest(style)}; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )
    template = f"{(_HERE / 'page_head.html').read_text(encoding='utf-8')}<body>\n{body}</body>\n</html>\n"
    known = {"POLICY": policy, "TITLE": html.escape(title), "STYLE": style, "SCRIPT": script, **parts}
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: known[match[1]], template)


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8", errors="replace")
    partial.replace(path)


def _digest(content: str) -> str:
    """Return what a content security policy knows a style or a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
