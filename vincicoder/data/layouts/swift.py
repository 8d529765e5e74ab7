"""``swift``: chat messages with images, for ms-swift."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.data.cells import image_cell
from vincicoder.data.domains import Task
from vincicoder.data.layouts._layout import (
    PLACEHOLDER,
    Layout,
    content_of,
    image_struct,
    list_in,
    messages_type,
    schema_of,
    unseen_fields,
    without_leading_placeholder,
)
from vincicoder.data.layouts.sft import LAYOUT as SFT
from vincicoder.data.record import Record


def messages_of(record: Record, answered: bool = True) -> dict[str, Any]:
    """Return a record as a row of messages, the form that ms-swift trains on.

    Args:
        record: The record.
        answered: Whether the answer is among the messages.

    Returns:
        ``messages``, ``images`` (one ``{"bytes", "path"}``), ``solution`` (the code) and ``language``.
    """
    messages = [{"role": "user", "content": PLACEHOLDER + record.prompt}]
    if answered:
        messages.append({"role": "assistant", "content": record.response})
    images = [image_cell(record.target)]
    return {"messages": messages, "images": images, "solution": record.code, "language": record.language}


class Swift(Layout):
    """A question and its answer as messages, the image beside them."""

    columns = ("messages", "images")
    optional = ("solution", "language")

    def schema(self, paths: bool = False) -> Any:
        """Return four columns and ``record``."""
        import pyarrow

        images = pyarrow.list_(image_struct())
        return schema_of({"messages": messages_type(), "images": images, "solution": None, "language": None})

    def write(self, record: Record) -> dict[str, Any]:
        """Return the row of :func:`messages_of`, the answer included."""
        return messages_of(record) | {"record": unseen_fields(record)}

    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return the record; an answer that was changed since wins over the stored one."""
        messages = list_in(row, "messages")
        as_sft = {
            "user_content": without_leading_placeholder(content_of(messages, "user")),
            "assistant_content": content_of(messages, "assistant"),
            "image": row.get("images"),
            "record": row.get("record"),
        }
        return SFT.read(as_sft, directory, domain, task)


LAYOUT = Swift()
