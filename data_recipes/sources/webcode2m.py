"""WebCode2M: screenshots of pages of the web and their cleaned HTML, in Parquet; there is no prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, first_image, first_text, record_of
from vincicoder.data import Record


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; ``bbox``, ``scale``, ``score`` and the others are left alone."""
    return record_of(context, first_text(row, "text"), "web", first_image(row, context, "image"))


SOURCE = PublicSet("webcode2m", "xcodemind/webcode2m", "cc-by-4.0", (("image",), ("text",)), read, ("data/*.parquet",))
