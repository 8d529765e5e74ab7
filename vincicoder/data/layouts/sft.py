"""``sft``: the columns of the public set for fine-tuning, for ``vincicoder-sft``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.data.cells import optional_text
from vincicoder.data.domains import Task
from vincicoder.data.layouts._layout import Layout, schema_of, stored_record, unseen_fields
from vincicoder.data.public import SFT_COLUMNS, from_sft
from vincicoder.data.record import Record


class Sft(Layout):
    """Prompt, answer and image; ``image`` is the file's content, or a path."""

    columns = SFT_COLUMNS
    classified = True

    def schema(self, paths: bool = False) -> Any:
        """Return three columns and ``record``."""
        import pyarrow

        return schema_of(
            {"user_content": None, "assistant_content": None, "image": None if paths else pyarrow.binary()}
        )

    def write(self, record: Record) -> dict[str, Any]:
        """Return the prompt as it is and the whole answer."""
        return {
            "user_content": record.prompt,
            "assistant_content": record.response,
            "image": record.target,
            "record": unseen_fields(record),
        }

    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return the record; an answer that was changed since wins over the stored one."""
        found = stored_record(row, optional_text(row, "user_content"), row.get("image"), directory)
        if found is None:
            return from_sft(row, domain, task, directory)
        if found.response == row.get("assistant_content"):
            return found
        changed = from_sft(row, found.domain, found.task, directory)
        return dataclasses.replace(found, code=changed.code, answer=changed.answer)


LAYOUT = Sft()
