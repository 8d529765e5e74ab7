"""Results as JSON lines that a later run goes on from."""

from __future__ import annotations

import fcntl
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from vincicoder.errors import ConfigError
from vincicoder.reporting.settings import Settings, settings_beside, told
from vincicoder.reporting.summary import is_judged
from vincicoder.status import Status

logger = logging.getLogger(__name__)

_STATUSES = [status.value for status in Status]
_TOLD = ("encoder", "preset", "benchmark", "model")
"""What a result says of settings that nobody has kept."""

_OWN = ("key", "run")
"""What a line has besides its result."""

_HEAD = b'{"key": "'
"""How every line of results begins."""


class ResultsFile:
    """Results as JSON lines, appended one by one; what an earlier run wrote is found again by its key.

    Opening it drops a last line that was torn by a crash, and results that are worth another try. One process at a
    time may have it open. The settings of all runs that added to it are in a file beside it, see
    :func:`vincicoder.reporting.settings.settings_beside`.

    Args:
        path: The file; it and its directory are made if need be.
        settings: What the results depend on. Results of other settings are not added to; where a mended option of the
            machine is all that differs, a warning says so.

    Raises:
        ConfigError: The file holds something else, is in use, or cannot be written.

    Example:
        >>> results = ResultsFile("results.jsonl", Settings({"encoder": "embedded"}))  # doctest: +SKIP
        >>> if results.take("request-1") is None:  # doctest: +SKIP
        ...     results.write("request-1", result.to_dict())
        >>> results.close()  # doctest: +SKIP
    """

    def __init__(self, path: str | Path, settings: Settings) -> None:
        self.path = Path(path)
        self._run = settings.run
        self._offsets: dict[str, int] = {}
        self._stale = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
            try:
                runs = self._scan()
                kept = self._checked(runs, settings)
                if self._stale:
                    self._rewrite()
                self._keep(kept, settings)
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise ConfigError(f"the results file {str(path)!r} cannot be written: {error.strerror}") from error
        self._untaken = set(self._offsets)

    @property
    def untaken(self) -> int:
        """How many earlier results nobody has taken."""
        return len(self._untaken)

    def take(self, key: str) -> dict[str, Any] | None:
        """Return an earlier result, once, or None."""
        if key not in self._untaken:
            return None
        self._untaken.remove(key)
        self._file.seek(self._offsets[key])
        return {name: each for name, each in json.loads(self._file.readline()).items() if name not in _OWN}

    def write(self, key: str, result: Mapping[str, Any]) -> None:
        """Append a result; it is with the operating system when this returns.

        Args:
            key: What `take` will find it by. An earlier result of this key is superseded.
            result: The result with whatever else is worth keeping, ready for JSON. It has ``status``.
        """
        record = {"key": key, "run": self._run} | {name: each for name, each in result.items() if name not in _OWN}
        offset = self._file.seek(0, 2)
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        self._stale = self._stale or key in self._offsets
        self._offsets[key] = offset

    def close(self) -> None:
        """Close the file, having dropped what was superseded. May be called twice."""
        if self._stale and not self._file.closed:
            self._rewrite()
        self._file.close()

    def _open(self) -> IO[bytes]:
        file = self.path.open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ConfigError(f"the results file {str(self.path)!r} is being written by another run") from None
        return file

    def _scan(self) -> dict[str, dict[str, Any]]:
        """Note where each earlier result is, and whether there is anything to drop; return a result of each run."""
        runs: dict[str, dict[str, Any]] = {}
        torn = False
        offset = 0
        self._file.seek(0)
        for line in self._file:
            record = _parsed(line) if line.endswith(b"\n") else None
            foreign = torn or not (line.startswith(_HEAD) or _HEAD.startswith(line))
            if foreign or (record is not None and ("run" not in record or record.get("status") not in _STATUSES)):
                raise ConfigError(f"{str(self.path)!r} holds something other than results; give another --output")
            if record is None:
                self._stale = torn = True  # no other line may follow it
                continue
            runs.setdefault(record["run"], record)
            if is_judged(record["status"]):
                self._stale = self._stale or record["key"] in self._offsets
                self._offsets[record["key"]] = offset
            else:
                self._stale = True
            offset += len(line)
        return runs

    def _checked(self, runs: Mapping[str, Mapping[str, Any]], settings: Settings) -> dict[str, Any]:
        """Return the settings of the runs in the file, having refused those that cannot be added to."""
        beside = settings_beside(self.path)
        known = (_parsed(beside.read_bytes()) if beside.is_file() else None) or {}
        mended: dict[str, tuple[Any, Any]] = {}
        for run, result in runs.items():
            if run == self._run:
                continue
            if run in known:
                refused = told(settings.refused(known[run]))
                mended |= settings.mended(known[run])
            else:
                refused = ", ".join(f"{name} {result[name]}" for name in _TOLD if name in result) + " ..."
            if refused:
                raise ConfigError(
                    f"{str(self.path)!r} holds results of other settings ({refused}); give another --output, or "
                    "delete it"
                )
        if mended:
            logger.warning(f"results in {str(self.path)!r} are kept, though the machine is another: {told(mended)}")
        return {run: known[run] for run in runs if run in known}

    def _keep(self, known: Mapping[str, Any], settings: Settings) -> None:
        beside = settings_beside(self.path)
        partial = beside.with_name(beside.name + ".partial")
        text = json.dumps({**known, self._run: settings.values}, indent=1, default=repr)
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(beside)

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
        self._file, self._offsets, self._stale = self._open(), offsets, False


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line, or None if it holds none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
