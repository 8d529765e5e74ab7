"""The log of a run in one form, whichever trainer wrote it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vincicoder.errors import ConfigError
from vincicoder.runs.measures import measured
from vincicoder.runs.readers import Raw, Reader, easyr1, swift, trl, verl

READERS = {each.trainer: each for each in (easyr1.READER, swift.READER, verl.READER, trl.READER)}
"""Every reader by its trainer. ms-swift writes TRL's file too, and less into it, so TRL comes last."""

_PRINTED = ("*.log", "*.out", "*.txt")
_HEAD = 20  # lines of a file of JSON lines that show what it is


@dataclass(frozen=True)
class Entry:
    """What was logged of one step.

    Attributes:
        step: Its number; 0 is before the first update.
        values: Numbers by the names in `MEASURES`, and by those of our metrics of one language.
    """

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Log:
    """What a run has logged so far.

    Attributes:
        trainer: The trainer that wrote it.
        path: The file.
        entries: Its steps in order, each once.

    Example:
        >>> log = Log("trl", Path("a.json"), (Entry(1, {"reward": 0.5}), Entry(2, {"length": 40.0})))
        >>> log.series("reward"), log.step
        ([(1, 0.5)], 2)
    """

    trainer: str
    path: Path
    entries: tuple[Entry, ...] = field(repr=False)

    @property
    def step(self) -> int:
        """The last step that was logged."""
        return self.entries[-1].step

    @property
    def measures(self) -> list[str]:
        """The measures that any step has."""
        return list(dict.fromkeys(name for entry in self.entries for name in entry.values))

    def series(self, measure: str) -> list[tuple[int, float]]:
        """Return the steps that have a measure, each with its value."""
        return [(entry.step, entry.values[measure]) for entry in self.entries if measure in entry.values]

    @property
    def reader(self) -> Reader:
        """What read it."""
        return READERS[self.trainer]


def read_log(run: str | Path, trainer: str | None = None) -> Log:
    """Read the log of a run, also while it is written.

    Args:
        run: The log's file, or a directory that holds it at any depth; of several the newest counts.
        trainer: ``"easyr1"``, ``"verl"``, ``"swift"`` or ``"trl"``; None to find out.

    Raises:
        ConfigError: There is no such file or directory, or no log in it that has a step.

    Example:
        >>> read_log("output/qwen3vl-8b-grpo").series("reward")[:2]  # doctest: +SKIP
        [(1, 0.61), (2, 0.63)]
    """
    run = Path(run)
    if trainer is not None and trainer not in READERS:
        raise ConfigError(f"trainer is {trainer!r}; expected one of: {', '.join(READERS)}")
    readers = [READERS[trainer]] if trainer else list(READERS.values())
    if not run.exists():
        raise ConfigError(f"{str(run)!r} does not exist; give the directory of a run, or the file of its log")
    try:
        for reader, path in _candidates(run, readers):
            rows = _rows(reader, path)
            if rows:
                directory = run if run.is_dir() else run.parent
                return Log(reader.trainer, path, _entries(reader, itertools.chain(rows, reader.beside(directory))))
    except OSError as error:
        raise ConfigError(f"{str(error.filename or run)!r} cannot be read: {error.strerror}") from error
    looked = ", ".join(dict.fromkeys([*(name for each in readers for name in each.patterns), *_PRINTED]))
    raise ConfigError(
        f"there is no log with a step in {str(run)!r}; expected one of {looked}. A run that has just started has none "
        "before its first step"
    )


def _candidates(run: Path, readers: list[Reader]) -> Iterator[tuple[Reader, Path]]:
    """Yield files that may be the log, the likeliest first."""
    if run.is_file():
        yield from ((reader, run) for reader in readers)
        return
    for reader in readers:
        for pattern in reader.patterns:
            yield from ((reader, path) for path in _newest(run, pattern) if _begins_as(reader, path))
    for pattern in _PRINTED:
        for path in _newest(run, pattern):
            yield from ((reader, path) for reader in readers)


def _newest(directory: Path, pattern: str) -> list[Path]:
    found = [path for path in directory.rglob(pattern) if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _begins_as(reader: Reader, path: Path) -> bool:
    if path.suffix != ".jsonl":
        return True
    with path.open(encoding="utf-8", errors="replace") as lines:
        return any(reader.rows(itertools.islice(lines, _HEAD)))


def _rows(reader: Reader, path: Path) -> list[Raw]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return list(reader.rows(lines))


def _entries(reader: Reader, rows: Iterator[Raw]) -> tuple[Entry, ...]:
    """Return the measures of each step; what a run that was resumed did again counts as it was the last time."""
    steps: dict[int, dict[str, float]] = defaultdict(dict)
    for step, raw in rows:
        steps[step] |= raw
    return tuple(Entry(step, measured(steps[step], reader.names, reader.prefix)) for step in sorted(steps))
