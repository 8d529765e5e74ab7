"""HTML: something to show, and nothing cut off."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_CLOSED_BY_OTHERS = frozenset(
    (
        *("li", "p", "td", "th", "tr", "dt", "dd", "option", "optgroup", "thead", "tbody", "tfoot", "colgroup", "rt"),
        *("rp", "html", "head", "body", "caption"),
    )
)
"""Elements whose end tags HTML lets one leave out."""


class _Elements(HTMLParser):
    """Count the elements that are shown, and note which were left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.shown = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.shown += tag not in ("html", "head", "meta", "title", "link", "base")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.shown += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass


def lint(code: str) -> tuple[str, str] | None:
    """Return the first fault of a page as a name and a message, or None."""
    elements = _Elements()
    try:
        elements.feed(code)
        elements.close()
    except AssertionError as error:  # the parser's way to refuse sections that HTML does not have
        return "section", str(error)
    if not elements.shown:
        return "no elements", "the page has no element that shows anything"
    unclosed = [tag for tag in elements.open if tag not in _CLOSED_BY_OTHERS]
    return ("cut off", f"{len(unclosed)} elements are never closed: {', '.join(unclosed[:5])}") if unclosed else None
