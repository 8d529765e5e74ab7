"""Requests in a file, read one after the other: with columns of our own, or as a trainer has kept responses."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vincicoder.alignment import asked_language, language_of_response
from vincicoder.cli.raw_requests import RawRequests, kind_of
from vincicoder.data.cells import beside, find_image, is_file
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language
from vincicoder.reward import RewardRequest
from vincicoder.trainers.lookup import DataRows
from vincicoder.trainers.members import domain_of
from vincicoder.trainers.rows import text_of

REQUIRED = ("response", "target")
LABELS = ("kind", "domain", "group", "expected_status")
"""Columns that are carried into the results; ``kind`` and ``domain`` also get a table each."""

_MAX_REFERENCE = 16 << 20  # bytes of a file with code
_REQUEST = (*REQUIRED, "id", "prompt", "language", "reference")
COLUMNS = (*_REQUEST, *LABELS)
"""Names that a column of another name may stand for."""


@dataclass(frozen=True)
class Row:
    """One line or row of a file.

    Attributes:
        number: Its line (JSONL) or row (Parquet), from 1; how manieth of all it is where a file holds several a line.
        key: Digest of its number and its content.
        request: The request; of a broken line, what could be read of it.
        labels: Those of ``LABELS`` that it has.
        language_from: Who asked for the language; see `requested_language`.
        problem: Where and what is wrong with a line that is no request; empty for a request.
    """

    number: int
    key: str
    request: RewardRequest
    labels: dict[str, str]
    language_from: str = ""
    problem: str = ""


class RequestsFile:
    """Requests in a JSONL or Parquet file, or in all files of a directory, read one after the other.

    Each has ``response`` and ``target`` and may have ``id``, ``prompt``, ``language``, ``reference`` and any of
    ``LABELS``. A target in JSONL is a path or base64 text; in Parquet it may also be bytes or ``{"bytes", "path"}``. A
    reference is code, or the path of a file that holds it. Paths are relative to the file's directory or else to the
    current one. Every other column becomes the request's metadata, with ``group`` as its ``uid``. What trainers write
    is read too, see :mod:`vincicoder.trainers.rollouts`.

    Args:
        path: The file or directory.
        language: Language of the requests that ask for none.
        prompt: Prompt of the requests that have none.
        columns: Names of ours, and the columns that stand for them; a dot leads into a cell (``extra_info.target``).
        data: Files of the data that the responses are to, for those without a target.

    Raises:
        ConfigError: A file is missing, of another format or without a column that is needed.

    Example:
        >>> requests = RequestsFile("requests.jsonl", language="svg")  # doctest: +SKIP
        >>> [row.number for row in requests if row.problem]  # doctest: +SKIP
        [62, 63]
    """

    def __init__(
        self,
        path: str | Path,
        language: str | None = None,
        prompt: str | None = None,
        columns: Mapping[str, str] | None = None,
        data: Sequence[str] = (),
    ) -> None:
        self.path = Path(path)
        self._language, self._prompt = language, prompt
        self._columns = dict(columns or {})
        self._raw = RawRequests(self.path)
        self._directory = self.path if self.path.is_dir() else self.path.parent
        self._check_columns(bool(data))
        self._data = self._rows_of(data) if data else None

    def __len__(self) -> int:
        """Return the number of lines or rows; blank and broken lines count."""
        return len(self._raw)

    def __iter__(self) -> Iterator[Row]:
        """Yield every line that is not blank."""
        for number, place, record in self._raw:
            if isinstance(record, str):
                yield self._broken(number, {}, f"{place}: {record}")
                continue
            record, problem = self._found(self._renamed(record))
            if problem := problem or _problem(record):
                yield self._broken(number, record, f"{place}: {problem}")
            else:
                yield self._row(number, place, record)

    def _check_columns(self, has_data: bool) -> None:
        """Refuse a file that lacks what every request needs."""
        columns = self._raw.columns
        if unknown := [ours for ours in self._columns if ours not in COLUMNS]:
            raise ConfigError(f"columns names {unknown[0]!r}, which is none of ours: {', '.join(COLUMNS)}")
        if lost := [theirs for theirs in self._columns.values() if theirs.split(".")[0] not in columns]:
            raise ConfigError(
                f"the requests file {str(self.path)!r} has no column {lost[0]!r}, which columns names; it has: "
                f"{', '.join(columns)[:300]}"
            )
        missing = [name for name in REQUIRED if name not in (*columns, *self._columns)]
        if missing == ["target"] and has_data:
            return
        if missing == ["target"] and self._raw.trainer:
            raise ConfigError(
                f"the requests file {str(self.path)!r} has no images, as {self._raw.trainer} writes none; give the "
                "data that the responses are to: --data train.parquet"
            )
        if missing:
            raise ConfigError(
                f"the requests file {str(self.path)!r} has no {' and no '.join(map(repr, missing))}; it needs "
                f"{' and '.join(map(repr, REQUIRED))}, and has: {', '.join(columns)[:300] or 'nothing'}. Say which "
                f"column stands for which, as in --columns target=images,response=output"
            )

    def _renamed(self, record: dict[str, Any]) -> dict[str, Any]:
        named = {ours: _cell(record, theirs) for ours, theirs in self._columns.items()}
        if isinstance(named.get("target"), (list, dict)):
            named["target"] = find_image(named["target"])
        for name in ("response", "prompt"):
            if isinstance(named.get(name), list):
                named[name] = text_of(named[name])
        return {**record, **named}

    def _rows_of(self, data: Sequence[str]) -> DataRows:
        records = (self._renamed(each.record) for each in self._raw if isinstance(each.record, dict))
        lacking = (each for each in records if each.get("target") is None)
        return DataRows(data, ((_text(each.get("prompt")), _text(each.get("reference"))) for each in lacking))

    def _found(self, record: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Return a record with what the data say of it, and why there is nothing."""
        if self._data is None or record.get("target") is not None:
            return record, ""
        found = self._data.find(_text(record.get("prompt")), _text(record.get("reference")))
        if isinstance(found, str):
            return record, found
        known = {
            "target": found.target,
            "prompt": found.prompt or record.get("prompt"),
            "reference": record.get("reference") or found.reference,
            "language": record.get("language") or found.language,
            "domain": record.get("domain") or domain_of(found.metadata, found.language),
        }
        return {**found.metadata, **record, **known}, ""

    def _row(self, number: int, place: str, record: dict[str, Any]) -> Row:
        response: str = record["response"]
        language, asked_by = requested_language(
            response, (record.get("language"), record.get("prompt")), (self._language, self._prompt)
        )
        prompt = record.get("prompt") or self._prompt
        try:
            reference = _reference(record.get("reference"), self._directory)
        except OSError as error:
            return self._broken(number, record, f"{place}: 'reference' cannot be read: {error.strerror}")
        request = RewardRequest(
            response=response,
            target=beside(record["target"], self._directory),
            prompt=prompt,
            language=language,
            id=_identity(record),
            reference=reference,
            metadata=_metadata(record),
        )
        content = [record.get("id"), prompt, language, record["target"], response, reference]
        return Row(number, _digest([number, content]), request, _labels(record), asked_by)

    def _broken(self, number: int, record: dict[str, Any], problem: str) -> Row:
        response, target = record.get("response"), record.get("target")
        request = RewardRequest(
            response=response if isinstance(response, str) else "",
            target=b"" if target is None else beside(target, self._directory),
            id=_identity(record),
        )
        return Row(number, _digest([number, problem]), request, _labels(record), problem=problem)


def requested_language(
    response: str, own: tuple[str | None, str | None], default: tuple[str | None, str | None]
) -> tuple[str | None, str]:
    """Return the language that a response is judged in, and where it is from.

    Args:
        response: What the model wrote.
        own: The request's own language and prompt; they win.
        default: Language and prompt for requests that do not say.

    Returns:
        The name of the language or None, and "request", "default", "response" (nobody asked; it is the response's
        own) or "nowhere".

    Raises:
        ConfigError: A language is not known.
    """
    for (language, prompt), origin in ((own, "request"), (default, "default")):
        if language and language.strip():
            return get_language(language).name, origin
        if prompt and (asked := asked_language(prompt)):
            return asked.name, origin
    found = language_of_response(response)
    return (found.name, "response") if found else (None, "nowhere")


def _problem(record: Mapping[str, Any]) -> str:
    """Return why a JSON object is no request, or ""."""
    if not isinstance(record.get("response"), str):
        return f"'response' is {kind_of(record.get('response'))}; expected text"
    if record.get("target") is None:
        return "'target' is missing; expected a path, base64 text or bytes"
    for name in ("prompt", "language", "reference"):
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            return f"{name!r} is {kind_of(value)}; expected text or nothing"
    try:
        if (record.get("language") or "").strip():
            get_language(record["language"])
    except ConfigError as error:
        return str(error)
    return ""


def _cell(record: Mapping[str, Any], name: str) -> Any:
    """Return a column, or what a dotted name leads to inside one."""
    value: Any = record
    for part in (name,) if name in record else name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _identity(record: Mapping[str, Any]) -> str | None:
    return None if record.get("id") is None else str(record["id"])


def _reference(reference: str | None, directory: Path) -> str | None:
    """Return code, read from its file where a path is given."""
    located = beside(reference, directory)
    if located != reference or (reference and "\n" not in reference and is_file(Path(reference))):
        with Path(located).open("rb") as file:
            code = file.read(_MAX_REFERENCE + 1)
        if len(code) > _MAX_REFERENCE:
            raise OSError(errno.EFBIG, f"its file is over {_MAX_REFERENCE >> 20} MiB")
        return code.decode("utf-8", "replace")
    return reference


def _metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in record.items() if name not in _REQUEST}
    return rest if record.get("group") is None else {"uid": record["group"], **rest}


def _labels(record: Mapping[str, Any]) -> dict[str, str]:
    return {label: str(record[label]) for label in LABELS if record.get(label) is not None}


def _digest(value: Any) -> str:
    def plain(other: Any) -> str:
        return hashlib.blake2b(other).hexdigest() if isinstance(other, bytes) else repr(other)

    text = json.dumps(value, sort_keys=True, default=plain)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
