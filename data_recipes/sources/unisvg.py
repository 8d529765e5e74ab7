"""UniSVG: questions and answers about SVG in JSON lists, pictures in a zip file; of use are answers that draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources.public import Context, PublicSet, first_picture, first_text, record_of
from vincicoder.data import BadRow, Reason, Record

_FROM_PICTURE = "ISVGEN"


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; where the question shows no picture, the code draws it, and the wording is ours."""
    answer = first_text(row, "a_text")
    if "<svg" not in answer:
        raise BadRow(Reason.NO_CODE, "the answer speaks about SVG but has none")
    if row.get("type") != _FROM_PICTURE:
        return record_of(context, answer, "svg", b"")
    picture = first_picture(row, context, "image_path")
    return record_of(context, answer, "svg", picture, prompt=first_text(row, "q_text"))


SET = PublicSet("unisvg", "lili24/UniSVG", "apache-2.0", (("type",), ("q_text",), ("a_text",)), read)
