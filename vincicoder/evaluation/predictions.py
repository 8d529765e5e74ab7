"""Predictions: what models answered to a benchmark's samples, made here or elsewhere.

A prediction is an object with ``id``, the id of the sample, and ``response``, the whole text that the model wrote. It
may have ``model``; ``number``, which of several answers to the sample it is, from 0, where without it the order
decides; and ``logprobs``, the log-probability of each token of the response. Whatever else it holds is left alone. A
file of them is JSONL.

A log that knows no ids may name its sample by ``reference``, the known-good code of the sample. Columns that have other
names can be renamed: verl's dump of a validation is read with ``{"output": "response", "gts": "reference"}``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from vincicoder.errors import ConfigError
from vincicoder.status import Status

REQUIRED = ("id", "response")
"""What a prediction must have."""

PredictionsLike: TypeAlias = (
    "str | os.PathLike[str] | Mapping[str, str | list[str]] | Iterable[Mapping[str, Any] | Prediction]"
)
"""A file; responses by the id of their sample, one or a list of each; or the predictions themselves."""


@dataclass(frozen=True)
class Prediction:
    """One answer to one sample.

    Attributes:
        id: Of the sample.
        response: The text that the model wrote.
        number: Which answer to the sample it is, from 0.
        model: Who wrote it; "" if nobody says.
        logprobs: The log-probability of each of its tokens, or None.

    Example:
        >>> [each.number for each in read_predictions({"a": ["first", "second"]})]
        [0, 1]
    """

    id: str
    response: str
    number: int = 0
    model: str = ""
    logprobs: tuple[float, ...] | None = None


def reference_id(reference: str) -> str:
    """Return what stands for the id of a sample that is named by its reference."""
    return "reference:" + hashlib.blake2b(reference.strip().encode("utf-8", "replace"), digest_size=12).hexdigest()


def read_predictions(given: PredictionsLike, columns: Mapping[str, str] | None = None) -> list[Prediction]:
    """Return predictions in the order in which they are given.

    Args:
        given: See ``PredictionsLike``. A last line that a crash has torn is left out, as are failures that
            ``vincicoder eval generate`` has noted to be tried again.
        columns: Other names that columns have, and the names they stand for.

    Raises:
        ConfigError: The file cannot be read, or holds something else; the message says what.

    Example:
        >>> read_predictions([{"id": "a", "response": "..."}])
        [Prediction(id='a', response='...', number=0, model='', logprobs=None)]
    """
    if isinstance(given, (str, os.PathLike)):
        rows = _renamed(_rows_of(Path(given)), columns or {})
        return list(_numbered(rows, f"the predictions {os.fspath(given)!r}"))
    if isinstance(given, Mapping):
        pairs = ((name, [texts] if isinstance(texts, str) else texts) for name, texts in given.items())
        given = [{"id": name, "response": text} for name, texts in pairs for text in texts]
    return list(_numbered(_renamed(enumerate(given, 1), columns or {}), "the predictions"))


def _renamed(rows: Iterable[tuple[int, Any]], columns: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    for line, row in rows:
        if isinstance(row, Mapping):
            yield line, {columns.get(name, name): value for name, value in row.items()}
        else:
            yield line, row


def _rows_of(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield number, json.loads(line.decode("utf-8-sig"))
                except (ValueError, RecursionError) as error:
                    if line.endswith(b"\n"):
                        raise ConfigError(
                            f"the predictions {str(path)!r} are not JSON objects, one a line: line {number} is none "
                            f"({error})"
                        ) from error
    except OSError as error:
        raise ConfigError(f"the predictions {str(path)!r} cannot be read: {error.strerror}") from error


def _numbered(rows: Iterable[tuple[int, Any]], whence: str) -> Iterator[Prediction]:
    """Yield predictions, having given those without a number the next one of their sample."""
    seen: Counter[str] = Counter()
    taken: dict[tuple[str, int], int] = {}
    any_row = False
    for line, row in rows:
        any_row = True
        found = row if isinstance(row, Prediction) else _prediction(row, line, whence, seen)
        if found is None:
            continue
        seen[found.id] += 1
        first = taken.setdefault((found.id, found.number), line)
        if first != line:
            raise ConfigError(
                f"{whence} answer sample {found.id!r} twice under number {found.number}, in rows {first} and {line}; "
                "give each answer a 'number' of its own"
            )
        yield found
    if not any_row:
        raise ConfigError(f"{whence} are empty; each needs {' and '.join(map(repr, REQUIRED))}")


def _prediction(row: Any, line: int, whence: str, seen: Mapping[str, int]) -> Prediction | None:
    if not isinstance(row, Mapping):
        raise ConfigError(f"{whence} are not JSON objects, one a line: row {line} is {type(row).__name__}")
    if row.get("id") is None and isinstance(row.get("reference"), str):
        row = {**row, "id": reference_id(row["reference"])}
    missing = [name for name in REQUIRED if row.get(name) is None]
    if missing:
        raise ConfigError(
            f"{whence} have no {' and no '.join(map(repr, missing))} in row {line}; each needs "
            f"{' and '.join(map(repr, REQUIRED))}, and this one has: {', '.join(map(str, row))[:300] or 'nothing'}"
        )
    if row.get("status") == Status.INFRASTRUCTURE.value:
        return None
    name, response, number = str(row["id"]), row["response"], row.get("number")
    if not isinstance(response, str):
        raise ConfigError(f"{whence} hold a 'response' in row {line} that is {type(response).__name__}; expected text")
    if number is not None and (not isinstance(number, int) or number < 0):
        raise ConfigError(f"{whence} hold a 'number' in row {line} that is {number!r}; expected 0, 1, 2, ...")
    try:
        logprobs = None if row.get("logprobs") is None else tuple(map(float, row["logprobs"]))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{whence} hold 'logprobs' in row {line} that are no list of numbers") from error
    number = seen[name] if number is None else number
    return Prediction(name, response, number, str(row.get("model") or ""), logprobs)
