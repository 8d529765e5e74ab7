"""Web2Code: conversations in a JSON list, images in a zip file; questions about pages are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, conversation, first_image, record_of
from vincicoder.data import BadRow, Reason, Record


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row whose answer is a page."""
    if row.get("image") is None:
        raise BadRow(Reason.MISSING_VALUE, "the row has no image")
    question, answer = conversation(row)
    return record_of(context, answer, "web", first_image(row, context, "image"), prompt=question)


SOURCE = PublicSet(
    "web2code",
    "MBZUAI/Web2Code",
    "mit",
    (("conversations",),),
    read,
    ("*.json", "*.zip"),
    unused=("*_QA.json", "*_samples.json", "*_eval.zip"),  # questions only, copies, and what is measured on
)
