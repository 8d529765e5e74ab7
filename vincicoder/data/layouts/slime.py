"""``slime``: a prompt, its image and a label, for slime and OpenRLHF, whose remote rewards see the label only."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.data.cells import answer_fields, optional_text, read_image
from vincicoder.data.domains import Task
from vincicoder.data.errors import BadRow, Reason
from vincicoder.data.layouts._layout import (
    PLACEHOLDER,
    Layout,
    schema_of,
    stored_record,
    unseen_fields,
    without_leading_placeholder,
)
from vincicoder.data.layouts.easyr1 import LAYOUT as EASYR1
from vincicoder.data.public import from_rl
from vincicoder.data.record import Record
from vincicoder.images import file_type


class Slime(Layout):
    """The prompt as text; images as texts, ``data:`` URLs or absolute paths, since these trainers open no others."""

    columns = ("prompt", "images", "label")
    absolute_paths = True

    def schema(self, paths: bool = False) -> Any:
        """Return three columns and ``record``."""
        import pyarrow

        return schema_of({"prompt": None, "images": pyarrow.list_(pyarrow.string()), "label": None})

    def write(self, record: Record) -> dict[str, Any]:
        """Return the row; a target that is a path must be absolute."""
        return {
            "prompt": PLACEHOLDER + record.prompt,
            "images": [_image(record.target)],
            "label": EASYR1.answer(record),
            "record": unseen_fields(record),
        }

    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return the record; code that was changed in the label since wins over the stored one."""
        prompt = without_leading_placeholder(optional_text(row, "prompt"))
        image = _content(row.get("images"))
        found = stored_record(row, prompt, image, directory)
        if found is not None and answer_fields(row.get("label")).get("code") == found.code:
            return found
        plain = from_rl({"problem": prompt, "answer": row.get("label"), "images": image}, directory)
        return plain if found is None else dataclasses.replace(found, code=plain.code, answer=None)


def _image(target: bytes | str) -> str:
    if isinstance(target, str):
        return target
    return f"data:image/{file_type(target)};base64,{base64.b64encode(target).decode()}"


def _content(images: Any) -> bytes | str:
    """Return the image of a row as other layouts have it: the content of a ``data:`` URL, else the path."""
    image = read_image(images)
    if isinstance(image, bytes) or not image.startswith("data:"):
        return image
    try:
        return base64.b64decode(image.partition(",")[2], validate=True)
    except ValueError as error:
        raise BadRow(Reason.BROKEN_IMAGE, "the image is a data: URL, but not of base64 text") from error


LAYOUT = Slime()
