"""DaTikZ: TikZ documents in Parquet.

- The licence depends on the row's origin, such as arXiv.
- The stored images are squares of 384 pixels, padded with white. No render of the code has such margins, so the
  images are left out here, and ``collect`` renders the code instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, first_text, record_of
from vincicoder.data import Record
from vincicoder.data.cells import optional_text

_TERMS = {"arxiv": "the arXiv paper's", "tex.stackexchange.com": "cc-by-sa"}


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row, without an image.

    Args:
        row: A row of the set; ``code`` is a TikZ document, and ``origin`` says where it was found.
        context: What readers are given; see ``Context``.
    """
    licence = _TERMS.get(optional_text(row, "origin") or "")
    return record_of(context, first_text(row, "code"), "latex", b"", licence=licence)


SOURCE = PublicSet("datikz", "nllg/datikz-v2", "other", (("code",),), read, ("*.parquet",))
