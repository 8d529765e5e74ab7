"""DaTikZ: TikZ documents, in Parquet; each row comes from a place with terms of its own.

Stored images are squares of 384 pixels with white margins, which no render of the code looks like; ours are rendered
from the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, first_text, record_of
from vincicoder.data import Record
from vincicoder.data.cells import optional_text

_TERMS = {"arxiv": "the arXiv paper's", "tex.stackexchange.com": "cc-by-sa"}


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row without an image."""
    licence = _TERMS.get(optional_text(row, "origin") or "")
    return record_of(context, first_text(row, "code"), "latex", b"", licence=licence)


SOURCE = PublicSet("datikz", "nllg/datikz-v2", "other", (("code",),), read, ("*.parquet",))
