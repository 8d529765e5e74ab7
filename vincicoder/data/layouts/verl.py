"""``verl``: a row for verl, whose reward sees ``reward_model`` and ``extra_info`` only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.data.cells import image_cell, optional_text
from vincicoder.data.domains import Task
from vincicoder.data.layouts._layout import (
    PLACEHOLDER,
    Layout,
    content_of,
    image_struct,
    list_in,
    mapping_in,
    messages_type,
    schema_of,
    stored_record,
    unseen_fields,
    without_leading_placeholder,
)
from vincicoder.data.public import from_rl
from vincicoder.data.record import Record

MIN_PIXELS, MAX_PIXELS = 262_144, 4_194_304
"""The public release's limits of an image. verl has no option for them: it resizes each image as its row says."""


def _model_image(target: bytes | str) -> dict[str, Any]:
    """Return the image as verl's data set takes it: where there is a key ``bytes``, it reads no other."""
    image = image_cell(target) if isinstance(target, bytes) else {"image": target}
    return {**image, "min_pixels": MIN_PIXELS, "max_pixels": MAX_PIXELS}


class Verl(Layout):
    """A prompt of messages with the image beside them; the reward's copy of the target is in ``extra_info``."""

    columns = ("prompt", "reward_model", "extra_info")
    optional = ("images",)
    absolute_paths = True

    def schema(self, paths: bool = False) -> Any:
        """Return six columns and ``record``; ``images`` differ with ``paths``."""
        import pyarrow

        text, number = pyarrow.string(), pyarrow.int64()
        image = {"image": text} if paths else {"bytes": pyarrow.binary(), "path": text}
        return schema_of(
            {
                "data_source": None,
                "prompt": messages_type(),
                "images": pyarrow.list_(pyarrow.struct({**image, "min_pixels": number, "max_pixels": number})),
                "ability": None,
                "reward_model": pyarrow.struct({"style": text, "ground_truth": text}),
                "extra_info": pyarrow.struct({"id": text, "language": text, "target": image_struct()}),
            }
        )

    def write(self, record: Record) -> dict[str, Any]:
        """Return the row; a target that is a path must be absolute."""
        return {
            "data_source": f"vincicoder/{record.domain}",
            "prompt": [{"role": "user", "content": PLACEHOLDER + record.prompt}],
            "images": [_model_image(record.target)],
            "ability": record.task,
            "reward_model": {"style": "rule", "ground_truth": record.code},
            "extra_info": {"id": record.id, "language": record.language, "target": image_cell(record.target)},
            "record": unseen_fields(record),
        }

    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return the record; code that was changed since wins over the stored one."""
        asked = content_of(list_in(row, "prompt"), "user")
        code = optional_text(mapping_in(row, "reward_model"), "ground_truth")
        extra = mapping_in(row, "extra_info")
        found = stored_record(row, without_leading_placeholder(asked), row.get("images"), directory)
        if found is not None:
            return found if code == found.code else dataclasses.replace(found, code=code or "", answer=None)
        # verl takes the images out of the row; the reward's copy stays.
        images = extra.get("target") if row.get("images") is None else row["images"]
        answer = {"code": code, "language": extra.get("language")}
        return from_rl({"problem": asked, "answer": answer, "images": images}, directory)


LAYOUT = Verl()
