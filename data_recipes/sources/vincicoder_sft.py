"""VinciCoder's own set for fine-tuning; names of files tell domain and task."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_recipes.sources._public import Context, PublicSet
from vincicoder.data import Record
from vincicoder.data.domains import classify
from vincicoder.data.public import SFT_SOURCE, from_sft


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; the rules are in ``vincicoder.data.public``."""
    domain, task = classify(Path(context.path).name)
    found = from_sft(row, domain, task)
    return dataclasses.replace(found, target=context.image(found.target), licence=context.set.licence)


SOURCE = PublicSet(
    "vincicoder_sft", SFT_SOURCE, "unknown", (("user_content",), ("assistant_content",), ("image",)), read
)
