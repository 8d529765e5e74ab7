"""MCD of VisCodex: conversations about charts, pages, and programming; of use are answers with one drawing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources.public import Context, PublicSet, conversation, first_picture, record_of
from vincicoder.data import BadRow, Reason, Record


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row whose answer is a page or a chart."""
    question, answer = conversation(row)
    lower = answer.lower()
    if "<html" in lower or "<!doctype" in lower:
        domain = "web"
    elif "matplotlib" in lower or "plotly" in lower or "seaborn" in lower:
        domain = "chart"
    else:
        raise BadRow(Reason.NO_CODE, "the answer draws nothing")
    if row.get("image") is None and row.get("images") is None:
        raise BadRow(Reason.MISSING_VALUE, "the row has no picture")
    return record_of(context, answer, domain, first_picture(row, context, "image", "images"), prompt=question)


SET = PublicSet("mcd", "lingjie23/MCD-598k", "unknown", (("conversations", "messages"),), read)
