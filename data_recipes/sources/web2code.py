"""Web2Code: conversations in JSON lists; besides code it holds questions about pages, which are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources.public import Context, PublicSet, conversation, first_picture, record_of
from vincicoder.data import BadRow, Reason, Record


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row whose answer is a page."""
    if row.get("image") is None and row.get("images") is None:
        raise BadRow(Reason.MISSING_VALUE, "the row has no picture")
    question, answer = conversation(row)
    return record_of(context, answer, "web", first_picture(row, context, "image", "images"), prompt=question)


SET = PublicSet("web2code", "MBZUAI/Web2Code", "mit", (("conversations", "messages"), ("image", "images")), read)
