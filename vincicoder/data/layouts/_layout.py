"""What a layout is, and the column ``record`` that makes reading exact."""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from vincicoder.data.cells import optional_text, read_image
from vincicoder.data.domains import TASKS, Task
from vincicoder.data.errors import BadRow, Reason
from vincicoder.data.record import Record

PLACEHOLDER = "<image>"
"""What stands for the image in a trainer's prompt."""

_SHOWN = ("prompt", "target")
"""Fields that every layout shows in columns of its own."""


class Layout(ABC):
    """A layout: the columns of its tables, and the way from a record to a row and back.

    Attributes:
        columns: The columns that reading needs.
        optional: Further columns that trainers' readers ask for.
        classified: Whether the names of its files tell domain and task; else each row does.
        absolute_paths: Whether image files are named by absolute paths, since the trainer resolves no others.

    Example:
        >>> layout = LAYOUTS.get("rl")  # doctest: +SKIP
        >>> layout.write(record)["problem"]  # doctest: +SKIP
        '<image>Write SVG code for this icon.'
    """

    columns: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    classified: ClassVar[bool] = False
    absolute_paths: ClassVar[bool] = False

    @abstractmethod
    def schema(self, paths: bool = False) -> Any:
        """Return the ``pyarrow.Schema`` of the rows that :meth:`write` returns; ``paths``: of images in files."""

    @abstractmethod
    def write(self, record: Record) -> dict[str, Any]:
        """Return a record as a row."""

    @abstractmethod
    def read(
        self, row: Mapping[str, Any], directory: Path | None = None, domain: str = "others", task: Task = "generate"
    ) -> Record:
        """Return a row as a record.

        Args:
            row: Its cells by column.
            directory: Put before relative paths of images, if given.
            domain: What the file's name says, for layouts that are ``classified``.
            task: What the file's name says, likewise.

        Raises:
            BadRow: The row cannot be used.
        """

    def entry(self, directory: str) -> dict[str, Any] | None:
        """Return what the file ``dataset_info.json`` beside a set says of it, None where the trainer reads none.

        Args:
            directory: The name of the set's directory.
        """
        return None


def image_struct() -> Any:
    """Return the Arrow type of ``{"bytes", "path"}``."""
    import pyarrow

    return pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})


def messages_type() -> Any:
    """Return the Arrow type of chat messages."""
    import pyarrow

    return pyarrow.list_(pyarrow.struct({"role": pyarrow.string(), "content": pyarrow.string()}))


def schema_of(columns: Mapping[str, Any]) -> Any:
    """Return the Arrow schema of columns and ``record``; a column without a type holds text."""
    import pyarrow

    types = {name: pyarrow.string() if kind is None else kind for name, kind in columns.items()}
    return pyarrow.schema(types | {"record": pyarrow.string()})


def unseen_fields(record: Record) -> str:
    """Return the column ``record``: JSON text of what the other columns cannot say."""
    values = {each.name: getattr(record, each.name) for each in dataclasses.fields(record) if each.name not in _SHOWN}
    return json.dumps(values | {"checks": dict(record.checks)}, ensure_ascii=False)


def stored_record(row: Mapping[str, Any], prompt: str | None, image: Any, directory: Path | None) -> Record | None:
    """Return the record of the column ``record`` and what the other columns show, or None if there is no such column.

    Args:
        row: Its cells by column.
        prompt: The prompt without the placeholder that writing put before it.
        image: The cell that holds the image.
        directory: Put before relative paths of images, if given.

    Raises:
        BadRow: The column is not what was written there, or the prompt or the image is missing.
    """
    text = optional_text(row, "record")
    if text is None:
        return None
    try:
        stored = json.loads(text)
        values = {each.name: stored[each.name] for each in dataclasses.fields(Record) if each.name not in _SHOWN}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadRow(Reason.INVALID_JSON, f"record does not hold what export wrote: {error!r}") from error
    if prompt is None:
        raise BadRow(Reason.MISSING_VALUE, "the prompt is missing")
    if values["task"] not in TASKS or not isinstance(values["code"], str):
        raise BadRow(Reason.WRONG_TYPE, "record holds an unknown task, or code that is not text")
    return Record(prompt=prompt, target=read_image(image, directory), **values)


def without_leading_placeholder(prompt: str | None) -> str | None:
    """Return a trainer's prompt without the placeholder that writing put before it; one of the prompt's own stays."""
    return None if prompt is None else prompt.removeprefix(PLACEHOLDER)


def list_in(row: Mapping[str, Any], name: str) -> list[Any]:
    """Return the list of messages under ``name``.

    Raises:
        BadRow: It is no list.
    """
    value = row.get(name)
    if not isinstance(value, list):
        raise BadRow(Reason.WRONG_TYPE, f"{name} is {type(value).__name__}; expected a list of messages")
    return value


def mapping_in(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the mapping under ``name``.

    Raises:
        BadRow: It is no mapping.
    """
    value = row.get(name)
    if not isinstance(value, Mapping):
        raise BadRow(Reason.WRONG_TYPE, f"{name} is {type(value).__name__}; expected a mapping")
    return value


def content_of(messages: list[Any], role: str) -> str | None:
    """Return the text of the first message of a role."""
    for message in messages:
        if isinstance(message, Mapping) and message.get("role") == role:
            return optional_text(message, "content")
    return None
