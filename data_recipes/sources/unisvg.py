"""UniSVG: conversations about SVG; only those whose answer is a drawing are of use here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources.public import Context, PublicSet, conversation, first_picture, record_of
from vincicoder.data import BadRow, Reason, Record


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; where a question shows no picture, the code is to draw it, with a wording of ours."""
    question, answer = conversation(row)
    if "<svg" not in answer:
        raise BadRow(Reason.NO_CODE, "the answer speaks about SVG but has none")
    shown = row.get("image") is not None or row.get("images") is not None
    target = first_picture(row, context, "image", "images") if shown else b""
    return record_of(context, answer, "svg", target, prompt=question if shown else None)


SET = PublicSet("unisvg", "lili24/UniSVG", "unknown", (("conversations", "messages"),), read)
