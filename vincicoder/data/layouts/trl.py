"""``trl``: a prompt, its completion and the image beside them, for TRL's SFT and GRPO trainers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.data.cells import image_cell
from vincicoder.data.domains import Task
from vincicoder.data.layouts._layout import (
    Layout,
    content_of,
    image_struct,
    list_in,
    messages_type,
    schema_of,
    unseen_fields,
)
from vincicoder.data.layouts.sft import LAYOUT as SFT
from vincicoder.data.record import Record


class Trl(Layout):
    """A question and its answer as messages of their own; TRL itself puts the image before the question."""

    columns = ("prompt", "completion", "images")
    optional = ("solution", "language")

    def schema(self, paths: bool = False) -> Any:
        """Return five columns and ``record``."""
        import pyarrow

        columns = {"prompt": messages_type(), "completion": messages_type(), "images": pyarrow.list_(image_struct())}
        return schema_of({**columns, "solution": None, "language": None})

    def write(self, record: Record) -> dict[str, Any]:
        """Return the row; SFT learns the completion, GRPO leaves it alone."""
        return {
            "prompt": [{"role": "user", "content": record.prompt}],
            "completion": [{"role": "assistant", "content": record.response}],
            "images": [image_cell(record.target)],
            "solution": record.code,
            "language": record.language,
            "record": unseen_fields(record),
        }

    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return the record; an answer that was changed since wins over the stored one."""
        as_sft = {
            "user_content": content_of(list_in(row, "prompt"), "user"),
            "assistant_content": content_of(list_in(row, "completion"), "assistant"),
            "image": row.get("images"),
            "record": row.get("record"),
        }
        return SFT.read(as_sft, directory, domain, task)


LAYOUT = Trl()
