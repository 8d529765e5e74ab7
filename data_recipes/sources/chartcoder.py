"""ChartCoder's Chart2Code-160k: conversations in one JSON list, with paths of images.

Some answers go step by step, with a block of Python for each; the last block is the whole program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, conversation, first_image, record_of
from vincicoder.data import Record


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; its answer has words around the code."""
    question, answer = conversation(row)
    return record_of(context, answer, "chart", first_image(row, context, "image"), prompt=question)


SOURCE = PublicSet("chartcoder", "xxxllz/Chart2Code-160k", "unknown", (("conversations",), ("image",)), read)
