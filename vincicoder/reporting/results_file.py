"""Results as JSON lines that a later run goes on from."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from vincicoder.errors import ConfigError
from vincicoder.reporting.summary import is_judged
from vincicoder.status import Status

_STATUSES = [status.value for status in Status]
_TOLD = ("encoder", "preset", "benchmark", "model")
"""Settings that are named where those of a file differ."""

_HEAD = b'{"key": "'
"""How every line of results begins."""


class ResultsFile:
    """Results as JSON lines, appended one by one; what an earlier run wrote is found again by its key.

    Opening it drops a last line that was torn by a crash, and results that are worth another try. One process at a
    time may have it open.

    Args:
        path: The file; it and its directory are made if need be.
        run: Digest of the settings; results of other settings are not added to.

    Raises:
        ConfigError: The file holds something else, is in use, or cannot be written.

    Example:
        >>> results = ResultsFile("results.jsonl", run="settings-1")  # doctest: +SKIP
        >>> if results.take("request-1") is None:  # doctest: +SKIP
        ...     results.write("request-1", result.to_dict())
        >>> results.close()  # doctest: +SKIP
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
        """How many earlier results nobody has taken."""
        return len(self._offsets)

    def take(self, key: str) -> dict[str, Any] | None:
        """Return an earlier result, once, or None."""
        offset = self._offsets.pop(key, None)
        if offset is None:
            return None
        self._file.seek(offset)
        result: dict[str, Any] = json.loads(self._file.readline())
        return result

    def write(self, key: str, result: Mapping[str, Any]) -> None:
        """Append a result; it is with the operating system when this returns.

        Args:
            key: What `take` will find it by.
            result: The result with whatever else is worth keeping, ready for JSON. It has ``status``.
        """
        record = {"key": key, "run": self._run, **result}
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file. May be called twice."""
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
        """Note where each earlier result is; return whether there is anything to drop."""
        drop = torn = False
        offset = 0
        self._file.seek(0)
        for line in self._file:
            record = _parsed(line) if line.endswith(b"\n") else None
            foreign = torn or not (line.startswith(_HEAD) or _HEAD.startswith(line))
            if foreign or (record is not None and ("run" not in record or record.get("status") not in _STATUSES)):
                raise ConfigError(f"{str(self.path)!r} holds something other than results; give another --output")
            if record is None:
                drop = torn = True  # no other line may follow it
                continue
            if record["run"] != self._run:
                told = "".join(f"{name} {record[name]}, " for name in _TOLD if name in record)
                raise ConfigError(
                    f"{str(self.path)!r} holds results of other settings ({told}...); give another --output, or "
                    "delete it"
                )
            if is_judged(record["status"]):
                self._offsets[record["key"]] = offset
            else:
                drop = True
            offset += len(line)
        return drop

    def _rewrite(self) -> None:
        """Keep only the results that were noted; at no time are they in no file."""
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


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line, or None if it holds none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
