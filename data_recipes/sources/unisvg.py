"""UniSVG: questions and answers about SVG in JSON lists, images in a zip file; answers without SVG are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, first_image, first_text, record_of
from vincicoder.data import BadRow, Reason, Record

_FROM_IMAGE = "ISVGEN"


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; where the question shows no image, the code renders it, and the wording is ours."""
    answer = first_text(row, "a_text")
    if "<svg" not in answer:
        raise BadRow(Reason.NO_CODE, "the answer speaks about SVG but has none")
    if row.get("type") != _FROM_IMAGE:
        return record_of(context, answer, "svg", b"")
    image = first_image(row, context, "image_path")
    return record_of(context, answer, "svg", image, prompt=first_text(row, "q_text"))


SOURCE = PublicSet("unisvg", "lili24/UniSVG", "apache-2.0", (("type",), ("q_text",), ("a_text",)), read)
