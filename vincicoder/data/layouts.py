"""Records in the layouts that hosts read, and back.

=========== ========================================================================= ==============================
layout      columns                                                                   read by
=========== ========================================================================= ==============================
``records`` those of :mod:`vincicoder.data.record`                                    recipes, ``vincicoder-records``
``sft``     ``user_content``, ``assistant_content``, ``image``                        ``vincicoder-sft``
``rl``      ``problem``, ``answer``, ``images``                                       EasyR1, ``vincicoder-rl``
``easyr1``  the same, ``answer`` a JSON text with ``language``, ``code``, ``target``  stock EasyR1
``verl``    ``data_source``, ``prompt``, ``images``, ``reward_model``, ``extra_info`` verl
``swift``   ``messages``, ``images``, ``solution``, ``language``                      ms-swift, TRL
=========== ========================================================================= ==============================

Besides its columns every layout but ``records`` has one more, ``record``: JSON text of what the columns cannot say (id,
domain, source, licence, checks, the code as it is). Hosts leave it alone. With it, reading gives back the record that
was written, bit for bit; a column that was changed since wins over it. Without it the rules for public rows apply.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vincicoder.data.errors import BadRow, Reason
from vincicoder.data.public import RL_COLUMNS, SFT_COLUMNS, from_rl, from_sft
from vincicoder.data.record import TASKS, Record, fenced, optional_text, picture_cell, picture_of

PLACEHOLDER = "<image>"
"""What stands for the picture in a host's prompt."""

_SHOWN = ("prompt", "target")
"""Fields that every layout shows in columns of its own."""


class Layout(NamedTuple):
    """A layout.

    Attributes:
        columns: The columns that reading needs.
        write: A record to a row.
        read: A row to a record; raises BadRow.
    """

    columns: tuple[str, ...]
    write: Callable[[Record], dict[str, Any]]
    read: Callable[[Mapping[str, Any], Path | None], Record]


def to_sft(record: Record) -> dict[str, Any]:
    """Return a row of the public set for fine-tuning; ``image`` is the file's bytes, or a path."""
    target = {"image": record.target}
    return {"user_content": record.prompt, "assistant_content": record.response, **target, "record": _rest(record)}


def to_rl(record: Record) -> dict[str, Any]:
    """Return a row of the public set for reinforcement learning; ``answer`` is the code in its fence."""
    return {
        "problem": PLACEHOLDER + record.prompt,
        "answer": fenced(record.code, record.language),
        "images": [picture_cell(record.target)],
        "record": _rest(record),
    }


def to_easyr1(record: Record) -> dict[str, Any]:
    """Return a row for stock EasyR1, whose reward sees the answer only: it holds the target as well."""
    target = base64.b64encode(record.target).decode() if isinstance(record.target, bytes) else record.target
    answer = {"language": record.language, "code": record.code, "target": target}
    return to_rl(record) | {"answer": json.dumps(answer, ensure_ascii=False)}


def to_verl(record: Record) -> dict[str, Any]:
    """Return a row for verl, whose reward sees ``reward_model`` and ``extra_info`` only."""
    picture = picture_cell(record.target)
    return {
        "data_source": f"vincicoder/{record.domain}",
        "prompt": [{"role": "user", "content": PLACEHOLDER + record.prompt}],
        "images": [picture],
        "ability": record.task,
        "reward_model": {"style": "rule", "ground_truth": record.code},
        "extra_info": {"id": record.id, "language": record.language, "target": picture},
        "record": _rest(record),
    }


def to_swift(record: Record) -> dict[str, Any]:
    """Return a row of messages."""
    messages = [
        {"role": "user", "content": PLACEHOLDER + record.prompt},
        {"role": "assistant", "content": record.response},
    ]
    images = [picture_cell(record.target)]
    row = {"messages": messages, "images": images, "solution": record.code, "language": record.language}
    return row | {"record": _rest(record)}


def _rest(record: Record) -> str:
    """Return what a row's columns cannot say of its record."""
    values = {each.name: getattr(record, each.name) for each in dataclasses.fields(record) if each.name not in _SHOWN}
    return json.dumps(values | {"checks": dict(record.checks)}, ensure_ascii=False)


def _read_sft(row: Mapping[str, Any], folder: Path | None = None) -> Record:
    if (values := _values(row)) is None:
        return from_sft(row, folder=folder)
    found = _record(values, optional_text(row, "user_content"), row.get("image"), folder)
    if found.response == row.get("assistant_content"):
        return found
    changed = from_sft(row, found.domain, found.task, folder)
    return dataclasses.replace(found, code=changed.code, answer=changed.answer)


def _read_rl(row: Mapping[str, Any], folder: Path | None = None) -> Record:
    if (values := _values(row)) is None:
        return from_rl(row, folder)
    found = _record(values, _words(optional_text(row, "problem")), row.get("images"), folder)
    if row.get("answer") in (fenced(found.code, found.language), to_easyr1(found)["answer"]):
        return found
    return dataclasses.replace(found, code=from_rl(row, folder).code, answer=None)


def _read_verl(row: Mapping[str, Any], folder: Path | None = None) -> Record:
    messages, told, known = _sequence(row, "prompt"), _mapping(row, "reward_model"), _mapping(row, "extra_info")
    asked = _content(messages, "user")
    code = optional_text(told, "ground_truth")
    images = row.get("images")
    if (values := _values(row)) is not None:
        found = _record(values, _words(asked), images, folder)
        return found if code == found.code else dataclasses.replace(found, code=code or "", answer=None)
    # verl takes the pictures out of the row; the reward's copy stays.
    images = known.get("target") if images is None else images
    answer = {"code": code, "language": known.get("language")}
    return from_rl({"problem": asked, "answer": answer, "images": images}, folder)


def _read_swift(row: Mapping[str, Any], folder: Path | None = None) -> Record:
    messages = _sequence(row, "messages")
    sft = {
        "user_content": _words(_content(messages, "user")),
        "assistant_content": _content(messages, "assistant"),
        "image": row.get("images"),
        "record": row.get("record"),
    }
    return _read_sft(sft, folder)


def _values(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the column ``record`` says, or None if there is none."""
    text = optional_text(row, "record")
    if text is None:
        return None
    try:
        values = json.loads(text)
        return {each.name: values[each.name] for each in dataclasses.fields(Record) if each.name not in _SHOWN}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadRow(Reason.INVALID_JSON, f"record is not what was written there: {error!r}") from error


def _record(values: dict[str, Any], prompt: str | None, picture: Any, folder: Path | None) -> Record:
    """Build a record of the hidden values and the shown columns."""
    if prompt is None:
        raise BadRow(Reason.MISSING_VALUE, "the prompt is missing")
    if values["task"] not in TASKS or not isinstance(values["code"], str):
        raise BadRow(Reason.WRONG_TYPE, "record holds an unknown task, or code that is no text")
    return Record(prompt=prompt, target=picture_of(picture, folder), **values)


def _words(prompt: str | None) -> str | None:
    """Return a host's prompt without the placeholder that writing put before it; one of the prompt's own stays."""
    return None if prompt is None else prompt.removeprefix(PLACEHOLDER)


def _sequence(row: Mapping[str, Any], name: str) -> list[Any]:
    value = row.get(name)
    if not isinstance(value, list):
        raise BadRow(Reason.WRONG_TYPE, f"{name} is {type(value).__name__}; expected a list of messages")
    return value


def _mapping(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    if not isinstance(value, Mapping):
        raise BadRow(Reason.WRONG_TYPE, f"{name} is {type(value).__name__}; expected a mapping")
    return value


def _content(messages: list[Any], role: str) -> str | None:
    """Return the text of the first message of a role."""
    for message in messages:
        if isinstance(message, Mapping) and message.get("role") == role:
            return optional_text(message, "content")
    return None


LAYOUTS: dict[str, Layout] = {
    "records": Layout(("target", "code"), Record.to_dict, Record.from_dict),
    "sft": Layout(SFT_COLUMNS, to_sft, _read_sft),
    "rl": Layout(RL_COLUMNS, to_rl, _read_rl),
    "easyr1": Layout(RL_COLUMNS, to_easyr1, _read_rl),
    "verl": Layout(("prompt", "reward_model", "extra_info"), to_verl, _read_verl),
    "swift": Layout(("messages", "images"), to_swift, _read_swift),
}
"""The layouts by name."""

FILE_STEMS = {
    "chart": "chart2code",
    "web": "web2html",
    "svg": "img2svg",
    "latex": "img2latex",
    "chemistry": "chem2code",
}
"""How files of a domain are called, so that their names tell it again."""


def file_stem(domain: str, task: str) -> str:
    """Return the beginning of the name of a file with rows of this domain and task."""
    stem = FILE_STEMS.get(domain, "others")
    return f"{stem}_refine" if task == "refine" else stem


def layout_of(columns: list[str]) -> str | None:
    """Tell the layout of a table by its columns, or None if it is none of these."""
    order = ("verl", "swift", "sft", "rl", "records")  # what is read alike has one name here
    return next((name for name in order if set(LAYOUTS[name].columns) <= set(columns)), None)
