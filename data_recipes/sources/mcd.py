"""MCD of VisCodex: messages about charts, pages and programming in a JSON list; images in a zip file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, conversation, first_image, record_of
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.cells import optional_text

_DOMAINS = {"html": "web", "chart": "chart"}


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row about a page or a chart."""
    category = (optional_text(row, "category") or "").lower()
    if category not in _DOMAINS:
        raise BadRow(Reason.NO_CODE, f"rows about {category or 'nothing in particular'} render no image")
    question, answer = conversation(row)
    return record_of(context, answer, _DOMAINS[category], first_image(row, context, "images"), prompt=question)


SOURCE = PublicSet("mcd", "lingjie23/MultimodalCodingDataset", "unknown", (("messages",), ("category",)), read)
