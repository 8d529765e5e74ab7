"""Requests in a JSONL or Parquet file, read one after the other."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vincicoder.alignment import asked_language, language_of_response
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language
from vincicoder.registry import install_command
from vincicoder.reward import RewardRequest

REQUIRED = ("response", "target")
LABELS = ("kind", "domain", "group", "expected_status")
"""Columns that are carried into the results; ``kind`` and ``domain`` also get a table each."""

_MAX_REFERENCE = 16 << 20  # bytes of a file with code
_REQUEST = (*REQUIRED, "id", "prompt", "language", "reference")
_PEEKED_LINES = 20
_PARQUET_ROWS = 32  # read at a time: rows may hold whole images


@dataclass(frozen=True)
class Row:
    """One line or row of a file.

    Attributes:
        number: Its line (JSONL) or row (Parquet), from 1.
        key: Digest of its number, its content and the settings that score it.
        request: The request; of a broken line, what could be read of it.
        labels: Those of ``LABELS`` that it has.
        language_from: Who asked for the language; see `requested_language`.
        problem: What is wrong with a line that is no request; empty for a request.
    """

    number: int
    key: str
    request: RewardRequest
    labels: dict[str, str]
    language_from: str = ""
    problem: str = ""


class RequestsFile:
    """Requests in a JSONL or Parquet file, read one after the other.

    Each has ``response`` and ``target`` and may have ``id``, ``prompt``, ``language``, ``reference`` and any of
    ``LABELS``. A target in JSONL is a path or base64 text; in Parquet it may also be bytes or ``{"bytes", "path"}``. A
    reference is code, or the path of a file that holds it. Paths are relative to the file's directory or else to the
    current one. Every other column becomes the request's metadata, with ``group`` as its ``uid``.

    Args:
        path: The file; its suffix tells the format, ``.jsonl`` or ``.parquet``.
        settings: What the results depend on besides the requests, ready for JSON.
        language: Language of the requests that ask for none.
        prompt: Prompt of the requests that have none.

    Raises:
        ConfigError: The file is missing, of another format or without a column that is needed.

    Example:
        >>> requests = RequestsFile("requests.jsonl", {"encoder": "embedded"}, language="svg")  # doctest: +SKIP
        >>> [row.number for row in requests if row.problem]  # doctest: +SKIP
        [62, 63]
    """

    def __init__(
        self, path: str | Path, settings: Mapping[str, Any], language: str | None = None, prompt: str | None = None
    ) -> None:
        self.path = Path(path)
        self.run = _digest(settings)
        self._language, self._prompt = language, prompt
        if not self.path.is_file():
            raise ConfigError(
                f"the requests file {str(path)!r} does not exist; give the path of a .jsonl or .parquet file"
            )
        suffix = self.path.suffix.lower()
        if suffix not in (".jsonl", ".ndjson", ".parquet"):
            raise ConfigError(f"the requests file {str(path)!r} must end in .jsonl or .parquet")
        self._parquet = _open_parquet(self.path) if suffix == ".parquet" else None
        self._check_columns()

    def __len__(self) -> int:
        """Return the number of lines or rows; blank and broken lines count."""
        if self._parquet is not None:
            return int(self._parquet.metadata.num_rows)
        count, last = 0, b"\n"
        with self.path.open("rb") as file:
            while chunk := file.read(1 << 20):
                count, last = count + chunk.count(b"\n"), chunk[-1:]
        return count + (last != b"\n")

    def __iter__(self) -> Iterator[Row]:
        """Yield every line that is not blank."""
        for number, record in self._records():
            yield self._broken(number, {}, record) if isinstance(record, str) else self._row(number, record)

    def _records(self) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Yield number and content, or what is wrong with it."""
        if self._parquet is not None:
            batches = self._parquet.iter_batches(batch_size=_PARQUET_ROWS)
            yield from enumerate((record for batch in batches for record in batch.to_pylist()), start=1)
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if text := line.removeprefix(b"\xef\xbb\xbf").strip():
                    yield number, _parse(text)

    def _check_columns(self) -> None:
        if self._parquet is not None:
            columns = list(self._parquet.schema_arrow.names)
        else:
            peeked = [record for _, (_, record) in zip(range(_PEEKED_LINES), self._records(), strict=False)]
            records = [record for record in peeked if isinstance(record, dict)]
            if not records:
                reason = f"line 1 is {peeked[0]}" if peeked else "it is empty"
                raise ConfigError(
                    f"the requests file {str(self.path)!r} must have one JSON object on each line: {reason}"
                )
            columns = list(dict.fromkeys(name for record in records for name in record))
        missing = [name for name in REQUIRED if name not in columns]
        if missing:
            raise ConfigError(
                f"the requests file {str(self.path)!r} has no {' and no '.join(map(repr, missing))}; it needs "
                f"{' and '.join(map(repr, REQUIRED))}, and has: {', '.join(columns)[:300] or 'nothing'}"
            )

    def _row(self, number: int, record: dict[str, Any]) -> Row:
        if problem := _problem(record):
            return self._broken(number, record, problem)
        response: str = record["response"]
        language, asked_by = requested_language(
            response, (record.get("language"), record.get("prompt")), (self._language, self._prompt)
        )
        prompt = record.get("prompt") or self._prompt
        try:
            reference = _reference(record.get("reference"), self.path.parent)
        except OSError as error:
            return self._broken(number, record, f"'reference' cannot be read: {error.strerror}")
        request = RewardRequest(
            response=response,
            target=_located(record["target"], self.path.parent),
            prompt=prompt,
            language=language,
            id=_identity(record),
            reference=reference,
            metadata=_metadata(record),
        )
        content = [record.get("id"), prompt, language, record["target"], response, reference]
        key = _digest([self.run, number, content])
        return Row(number, key, request, _labels(record), asked_by)

    def _broken(self, number: int, record: dict[str, Any], problem: str) -> Row:
        response, target = record.get("response"), record.get("target")
        request = RewardRequest(
            response=response if isinstance(response, str) else "",
            target=b"" if target is None else _located(target, self.path.parent),
            id=_identity(record),
        )
        return Row(number, _digest([self.run, number, problem]), request, _labels(record), problem=problem)


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
        return f"'response' is {_kind(record.get('response'))}; expected text"
    if record.get("target") is None:
        return "'target' is missing; expected a path, base64 text or bytes"
    for name in ("prompt", "language", "reference"):
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            return f"{name!r} is {_kind(value)}; expected text or nothing"
    try:
        if (record.get("language") or "").strip():
            get_language(record["language"])
    except ConfigError as error:
        return str(error)
    return ""


def _identity(record: Mapping[str, Any]) -> str | None:
    return None if record.get("id") is None else str(record["id"])


def _reference(reference: str | None, directory: Path) -> str | None:
    """Return code, read from its file where a path is given."""
    located = _located(reference, directory)
    if located != reference or (reference and "\n" not in reference and _is_file(Path(reference))):
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


def _parse(line: bytes) -> dict[str, Any] | str:
    """Return the JSON object, or what is wrong with it."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return (
        record
        if isinstance(record, dict)
        else f"JSON, but {'null' if record is None else _kind(record)}, not an object"
    )


def _kind(value: object) -> str:
    """Return what a value is in the words of JSON."""
    if value is None:
        return "missing"
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), f"of type {type(value).__name__}")


def _located(target: Any, directory: Path) -> Any:
    """Turn a path relative to the requests file into one that can be opened from here."""
    if isinstance(target, dict) and target.get("bytes") is None and isinstance(target.get("path"), str):
        return {**target, "path": _located(target["path"], directory)}
    if isinstance(target, str) and len(target) < 4096 and not target.startswith(("data:", "file:")):
        return str(directory / target) if _is_file(directory / target) else target
    return target


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # base64 text may be too long for a file's name
        return False


def _digest(value: Any) -> str:
    def plain(other: Any) -> str:
        return hashlib.blake2b(other).hexdigest() if isinstance(other, bytes) else repr(other)

    text = json.dumps(value, sort_keys=True, default=plain)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _open_parquet(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(f"reading {str(path)!r} needs pyarrow; run: {install_command('parquet')}") from None
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the requests file {str(path)!r} is not a Parquet file: {error}") from error
