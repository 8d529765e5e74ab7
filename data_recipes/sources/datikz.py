"""DaTikZ: TikZ documents and their pictures, in Parquet; each row comes from a place with terms of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources.public import Context, PublicSet, first_picture, first_text, record_of
from vincicoder.data import Record
from vincicoder.data.record import optional_text

_TERMS = {"arxiv": "arXiv.org licence of the paper", "tex.stackexchange": "cc-by-sa-4.0", "wikipedia": "cc-by-sa-3.0"}


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; code without a document around it gets one."""
    code = first_text(row, "code")
    if "\\documentclass" not in code:
        code = "\n".join(["\\documentclass[tikz]{standalone}", "\\begin{document}", code.strip(), "\\end{document}"])
    place = f"{optional_text(row, 'origin') or ''} {optional_text(row, 'uri') or ''}".lower()
    licence = next((terms for name, terms in _TERMS.items() if name in place), None)
    return record_of(context, code, "latex", first_picture(row, context, "image", "png"), licence=licence)


SET = PublicSet("datikz", "nllg/datikz-v2", "mixed", (("code",), ("image", "png")), read, ("*.parquet",))
