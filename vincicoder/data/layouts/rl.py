"""``rl``: the columns of the public set for reinforcement learning, for EasyR1 and ``vincicoder-rl``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.data.answers import fenced
from vincicoder.data.cells import answer_fields, image_cell, optional_text
from vincicoder.data.domains import Task
from vincicoder.data.layouts._layout import (
    PLACEHOLDER,
    Layout,
    image_struct,
    schema_of,
    stored_record,
    unseen_fields,
    without_leading_placeholder,
)
from vincicoder.data.public import RL_COLUMNS, from_rl
from vincicoder.data.record import Record


class Rl(Layout):
    """Problem, answer and images; the answer is what :meth:`answer` returns."""

    columns = RL_COLUMNS
    optional = ("language",)

    def answer(self, record: Record) -> str:
        """Return what the column ``answer`` holds: the code in its fence."""
        return fenced(record.code, record.language)

    def schema(self, paths: bool = False) -> Any:
        """Return three columns and ``record``."""
        import pyarrow

        return schema_of({"problem": None, "answer": None, "images": pyarrow.list_(image_struct())})

    def write(self, record: Record) -> dict[str, Any]:
        """Return the prompt behind the image's placeholder, and the answer."""
        return {
            "problem": PLACEHOLDER + record.prompt,
            "answer": self.answer(record),
            "images": [image_cell(record.target)],
            "record": unseen_fields(record),
        }

    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return the record; an answer that was changed since wins over the stored one."""
        prompt = without_leading_placeholder(optional_text(row, "problem"))
        found = stored_record(row, prompt, row.get("images"), directory)
        if found is None:
            return from_rl(row, directory)
        answer = row.get("answer")
        if answer == fenced(found.code, found.language) or answer_fields(answer).get("code") == found.code:
            return found
        return dataclasses.replace(found, code=from_rl(row, directory).code, answer=None)


LAYOUT = Rl()
