"""A file of requests, scored as a stream: skip what is done, write each result as it comes, add everything up."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from vincicoder.errors import ConfigError
from vincicoder.languages import get_language
from vincicoder.reporting.summary import NOT_JUDGED, Summary
from vincicoder.reward import RewardRequest

if TYPE_CHECKING:
    from vincicoder.reporting.report import Report
    from vincicoder.reward import VisualReward

REQUIRED = ("response", "target")
LABELS = ("kind", "domain", "group", "expected_status")
"""Columns that are carried into the results; ``kind`` and ``domain`` also get a table each."""

_PEEKED_LINES = 20
_HEAD = b'{"key": "'  # how every line of results begins
_PARQUET_ROWS = 32  # read at a time: rows may hold whole pictures


@dataclass(frozen=True)
class Row:
    """One request of a file.

    Attributes:
        number: Its line (JSONL) or row (Parquet), from 1.
        key: Digest of its number, its content and the settings that score it.
        request: The request.
        labels: Those of ``LABELS`` that it has.
    """

    number: int
    key: str
    request: RewardRequest
    labels: dict[str, str]


@dataclass(frozen=True)
class Broken:
    """A line that is no request.

    Attributes:
        number: Its line or row, from 1.
        reason: What is wrong with it.
    """

    number: int
    reason: str


class RequestsFile:
    """Requests in a JSONL or Parquet file, read one after the other.

    Each has ``response`` and ``target`` and may have ``id``, ``prompt``, ``language`` and any of ``LABELS``. A target
    in JSONL is a path or base64 text; in Parquet it may also be bytes or ``{"bytes", "path"}``. Paths are relative to
    the file's folder or else to the current one.

    Args:
        path: The file; its suffix tells the format, ``.jsonl`` or ``.parquet``.
        settings: What the results depend on besides the requests, JSON-ready.

    Raises:
        ConfigError: The file is missing, of another format or without a column that is needed.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.run = _digest(settings)
        if not self.path.is_file():
            raise ConfigError(f"the requests file {str(path)!r} does not exist")
        suffix = self.path.suffix.lower()
        if suffix not in (".jsonl", ".ndjson", ".parquet"):
            raise ConfigError(f"the requests file {str(path)!r} must end in .jsonl or .parquet")
        self._parquet = _open_parquet(self.path) if suffix == ".parquet" else None
        self._check_columns()

    def __len__(self) -> int:
        """The number of lines or rows; blank and broken lines count."""
        if self._parquet is not None:
            return int(self._parquet.metadata.num_rows)
        count, last = 0, b"\n"
        with self.path.open("rb") as file:
            while chunk := file.read(1 << 20):
                count, last = count + chunk.count(b"\n"), chunk[-1:]
        return count + (last != b"\n")

    def __iter__(self) -> Iterator[Row | Broken]:
        """Yields every line that is not blank."""
        for number, record in self._records():
            yield Broken(number, record) if isinstance(record, str) else self._row(number, record)

    def _records(self) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Yields number and content, or what is wrong with it."""
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
                    f"the requests file {str(self.path)!r} is not one of JSON objects, one a line: {reason}"
                )
            columns = list(dict.fromkeys(name for record in records for name in record))
        missing = [name for name in REQUIRED if name not in columns]
        if missing:
            raise ConfigError(
                f"the requests file {str(self.path)!r} has no {' and no '.join(map(repr, missing))}; it needs "
                f"{' and '.join(map(repr, REQUIRED))}, and has: {', '.join(columns)[:300] or 'nothing'}"
            )

    def _row(self, number: int, record: dict[str, Any]) -> Row | Broken:
        response, target, language = record.get("response"), record.get("target"), record.get("language")
        if not isinstance(response, str):
            return Broken(number, f"'response' is {_kind(response)}; expected text")
        if target is None:
            return Broken(number, "'target' is missing; expected a path, base64 text or bytes")
        for name, value in (("prompt", record.get("prompt")), ("language", language)):
            if value is not None and not isinstance(value, str):
                return Broken(number, f"{name!r} is {_kind(value)}; expected text or nothing")
        try:
            if language and language.strip():
                get_language(language)
        except ConfigError as error:
            return Broken(number, str(error))
        identity = record.get("id")
        request = RewardRequest(
            response=response,
            target=_located(target, self.path.parent),
            prompt=record.get("prompt"),
            language=language,
            id=None if identity is None else str(identity),
        )
        content = [record.get(key) for key in ("id", "prompt", "language", "target", "response")]
        labels = {label: str(record[label]) for label in LABELS if record.get(label) is not None}
        return Row(number, _digest([self.run, number, content]), request, labels)


class ResultsFile:
    """Results as JSON lines, appended one by one; what an earlier run wrote is found again by its key.

    Opening it drops a last line that was torn by a crash, and results that are worth another try. One process at a
    time may have it open.

    Args:
        path: The file; it and its folder are made if need be.
        run: Digest of the settings; results of other settings are not added to.

    Raises:
        ConfigError: The file holds something else, is in use, or cannot be written.
    """

    def __init__(self, path: str | Path, run: str) -> None:
        self.path = Path(path)
        self._run = run
        self._offsets: dict[str, int] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
            if self._scan():
                self._rewrite()
        except OSError as error:
            raise ConfigError(f"the results file {str(path)!r} cannot be written: {error.strerror}") from error

    @property
    def untaken(self) -> int:
        """How many earlier results no request has asked for."""
        return len(self._offsets)

    def take(self, key: str) -> dict[str, Any] | None:
        """Returns an earlier result, once, or None."""
        offset = self._offsets.pop(key, None)
        if offset is None:
            return None
        self._file.seek(offset)
        result: dict[str, Any] = json.loads(self._file.readline())
        return result

    def write(self, row: Row, result: Mapping[str, Any]) -> None:
        """Appends a result; it is with the operating system when this returns."""
        record = {"key": row.key, "run": self._run, "line": row.number, **row.labels, **result}
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file. May be called twice."""
        self._file.close()

    def _open(self) -> IO[bytes]:
        file = self.path.open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ConfigError(f"the results file {str(self.path)!r} is being written by another run") from None
        return file

    def _scan(self) -> bool:
        """Notes where each earlier result is; returns whether there is anything to drop."""
        drop = torn = False
        offset = 0
        self._file.seek(0)
        for line in self._file:
            record = _parse(line) if line.endswith(b"\n") else "torn"
            foreign = torn or not (line.startswith(_HEAD) or _HEAD.startswith(line))
            if foreign or (isinstance(record, dict) and not {"run", "status"} <= record.keys()):
                raise ConfigError(f"{str(self.path)!r} holds something else than results; give another --output")
            if isinstance(record, str):
                drop = torn = True  # no other line may follow it
                continue
            if record["run"] != self._run:
                raise ConfigError(
                    f"{str(self.path)!r} holds results of other settings (encoder {record.get('encoder')}, preset "
                    f"{record.get('preset')}, ...); give another --output, or delete it"
                )
            if record["status"] in NOT_JUDGED:
                drop = True
            else:
                self._offsets[record["key"]] = offset
            offset += len(line)
        return drop

    def _rewrite(self) -> None:
        """Keeps only the results that were noted; at no time are they in no file."""
        partial = self.path.with_name(self.path.name + ".partial")
        offsets = {}
        with partial.open("wb") as file:
            for key, offset in self._offsets.items():
                self._file.seek(offset)
                offsets[key] = file.tell()
                file.write(self._file.readline())
        partial.replace(self.path)
        self._file.close()
        self._file, self._offsets = self._open(), offsets


def score_file(
    reward: VisualReward,
    requests: RequestsFile,
    results: ResultsFile | None,
    report: Report | None,
    summary: Summary,
    limit: int | None = None,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
) -> None:
    """Scores a file of requests; memory does not grow with its length.

    Args:
        reward: What scores.
        requests: What to score.
        results: Where results go, and where those of an earlier run are taken from.
        report: Gets every result.
        summary: Gets every result; what was added stays if this is interrupted.
        limit: Only this many requests from the top of the file.
        progress: Called for each request that is finished, with whether it was scored now.
        complain: Called with a sentence for each broken line.
    """
    under_way: dict[int, Row] = {}

    def finish(row: Row, result: Mapping[str, Any], render: Any, fresh: bool) -> None:
        summary.add(row.labels, result)
        if report is not None:
            report.add(row, result, render)
        progress(fresh)

    def pending() -> Iterator[RewardRequest]:
        begun = 0
        for seen, row in enumerate(requests):
            if limit is not None and seen >= limit:
                return
            if isinstance(row, Broken):
                summary.broken += 1
                complain(f"{requests.path}, line {row.number}: {row.reason}")
                progress(False)
                continue
            earlier = results.take(row.key) if results is not None else None
            if earlier is not None:
                finish(row, earlier, None, fresh=False)
                continue
            under_way[begun] = row
            begun += 1
            yield row.request

    for index, result in reward.stream(pending()):
        row = under_way.pop(index)
        record = result.to_dict()
        if results is not None:
            results.write(row, record)
        finish(row, record, result.render, fresh=True)


def _parse(line: bytes) -> dict[str, Any] | str:
    """Returns the JSON object, or what is wrong with it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return record if isinstance(record, dict) else f"JSON, but {_kind(record)} and not an object"


def _kind(value: object) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"


def _located(target: Any, folder: Path) -> Any:
    """Turns a path relative to the requests file into one that can be opened from here."""
    if isinstance(target, dict) and target.get("bytes") is None and isinstance(target.get("path"), str):
        return {**target, "path": _located(target["path"], folder)}
    if isinstance(target, str) and len(target) < 4096 and not target.startswith(("data:", "file:")):
        try:
            return str(folder / target) if (folder / target).is_file() else target
        except (OSError, ValueError):  # base64 text may be too long for a file's name
            return target
    return target


def _digest(value: Any) -> str:
    def plain(other: Any) -> str:
        return hashlib.blake2b(other).hexdigest() if isinstance(other, bytes) else repr(other)

    text = json.dumps(value, sort_keys=True, default=plain)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _open_parquet(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            f"reading {str(path)!r} needs pyarrow; install it with `pip install 'vincicoder[parquet]'`"
        ) from None
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the requests file {str(path)!r} is not a Parquet file: {error}") from error
