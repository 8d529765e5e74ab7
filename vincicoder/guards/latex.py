"""LaTeX: image files that are placed, and output literals that hold one."""

from __future__ import annotations

import re

from vincicoder.guards import data_urls
from vincicoder.guards.data_urls import too_much

_COMMENT = re.compile(r"((?:^|[^\\\n])(?:\\\\)*)%.*", re.MULTILINE)
_PLACED_FILE = re.compile(
    r"\\(?:csname\s?)?(includegraphics|includesvg|includepdf|pgfimage|pgfdeclareimage|pdfximage|saveimageresource|"
    r"epsfig|epsfbox|epsffile|psfig|XeTeXpicfile|XeTeXpdffile|addplot3?\s?\+?\s?(?:\[[^\]]{0,500}\]\s?)?graphics)"
    r"(?![A-Za-z@])"
)
_PLACEHOLDER = re.compile(r"\*?\s?(?:\[[^\]]{0,500}\]\s?)?\{\s?example-(?:image|grid)[\w.-]{0,80}\s?\}")
_OUTPUT_LITERAL = re.compile(r"\\(?:pdfliteral|pdfobj|pdfextension|special)(?![A-Za-z@])")
_FILE_WRITTEN = re.compile(r"\\openout|\{filecontents\*?\}")


def smuggled(code: str, max_bytes: int) -> str | None:
    """Return what is smuggled in the code, beyond ``max_bytes`` of encoded images, or None."""
    text = _COMMENT.sub(r"\1", code)
    writes_files = _FILE_WRITTEN.search(text)  # such a document may have made its own "placeholder"
    for command in _PLACED_FILE.finditer(text):
        if writes_files or not _PLACEHOLDER.match(text, command.end()):
            return f"\\{command[1].split()[0]} places an image file"
    if _OUTPUT_LITERAL.search(text):
        encoded = sum(len(run[0]) for run in re.finditer(r"[^\s{}]{64,}", text)) // 2
        return too_much("PDF or PostScript literals hold", encoded, max_bytes)
    return data_urls.smuggled(text, max_bytes)
