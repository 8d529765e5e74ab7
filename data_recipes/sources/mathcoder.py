"""MathCoder-VL's ImgCode: mathematical figures with TikZ or Python code; the code tells which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, conversation, first_image, first_text, record_of
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.domains import domain_of, language_of


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; TikZ without a document around it gets one."""
    talks = "conversations" in row or "messages" in row
    code = conversation(row)[1] if talks else first_text(row, "code", "tikz", "latex", "python")
    language = "python" if "```python" in code else "latex" if "\\begin{" in code else language_of(code)
    if language not in ("python", "latex"):
        raise BadRow(Reason.WRONG_LANGUAGE, f"the code is {language}; expected TikZ or Python")
    if language == "latex" and "\\documentclass" not in code:
        code = f"\\documentclass[tikz]{{standalone}}\n\\begin{{document}}\n{_bare(code)}\n\\end{{document}}"
    target = first_image(row, context, "image", "images", "image_path")
    return record_of(context, code, domain_of(language, code), target)


def _bare(code: str) -> str:
    """Return code without a fence."""
    lines = code.strip().split("\n")
    if lines[0].startswith("```"):
        lines = lines[1:-1] if lines[-1].startswith("```") else lines[1:]
    return "\n".join(lines)


SOURCE = PublicSet(
    "mathcoder",
    "MathLLMs/ImgCode-8.6M",
    "apache-2.0",
    (("image", "images", "image_path"), ("code", "tikz", "latex", "python", "conversations", "messages")),
    read,
    ("*.parquet",),
)
