"""HTML with its CSS and scripts: whole pages, rendered by a Chromium."""

from __future__ import annotations

import re

from vincicoder.languages import ANY_ROOT, Install, Language, whole_words

LANGUAGE = Language(
    name="html",
    renderer="vincicoder.rendering.html:HtmlRenderer",
    guard="vincicoder.guards.html:smuggled",
    sample="<!DOCTYPE html><html><body><h1>a</h1></body></html>",
    # Ubuntu's chromium package only calls snap, which does not work in containers.
    install=Install(
        ("playwright",),
        ("chromium-headless-shell",),
        "{python} -m playwright install --with-deps chromium",
        ("PLAYWRIGHT_BROWSERS_PATH={browsers} {python} -m playwright install --only-shell chromium",),
    ),
    title="HTML",
    aliases=("htm", "html5", "xhtml"),
    suffixes=(".html", ".htm"),
    named=whole_words(r"x?html\d*"),
    hinted=whole_words(r"web[ -]?(?:pages?|sites?)|landing pages?|css\d*|javascript|tailwind|网页|网站|前端"),
    root=ANY_ROOT,
    limits=(
        re.compile(r"(?<!`)<(?:!doctype\s+html|html)\b", re.IGNORECASE),
        re.compile(r"</html\s*>", re.IGNORECASE),
    ),
    comments=re.compile(r"<!--.*?-->", re.DOTALL),
    uses=("browser",),
    domains=("web",),
)
