"""What came of scoring one model's predictions on one benchmark."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.sets import pass_at
from vincicoder.evaluation.statistics import Interval, Rows, by_sample, intervals
from vincicoder.status import Status

_KEYS = ("benchmark", "model", "id", "number", "status", "values")
_STATUSES = [status.value for status in Status]


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model on one benchmark.

    Attributes:
        benchmark: Name of the benchmark.
        model: Name of the model.
        rows: Scores of each prediction; see :mod:`vincicoder.evaluation.scoring`.
        left_out: Why metrics were not measured, by their names.
        path: The file that the scores are from, or None.

    Example:
        >>> evaluation = Evaluation.read("scores/unisvg.jsonl")  # doctest: +SKIP
        >>> evaluation.columns, evaluation.statuses  # doctest: +SKIP
        ({'low': 61.2}, {'ok': 480, 'no_code': 4})
    """

    benchmark: str
    model: str
    rows: Sequence[Mapping[str, Any]] = field(repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict, repr=False)
    path: Path | None = None

    @property
    def about(self) -> Benchmark:
        """The benchmark."""
        return BENCHMARKS.get(self.benchmark)

    @cached_property
    def judged(self) -> Rows:
        """What counts: the values of each prediction that could be judged, with the ``id`` of its sample."""
        rows = sorted(self._counted, key=lambda row: (row["id"], row["number"]))
        return [{"id": row["id"], **row["values"]} for row in rows]

    @cached_property
    def columns(self) -> dict[str, float]:
        """The benchmark's numbers, as far as they were measured."""
        return dict(self.summary(self.judged))

    def summary(self, rows: Rows) -> dict[str, float]:
        """Return the benchmark's numbers for some of the rows in ``judged``."""
        return self.about.summary(rows)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """The benchmark's numbers with their bootstrap intervals."""
        return intervals(self.summary, self.judged)

    @property
    def samples(self) -> int:
        """How many samples were judged."""
        return len({row["id"] for row in self.judged})

    @property
    def statuses(self) -> dict[str, int]:
        """How many predictions have each status, the most frequent first."""
        return dict(Counter(row["status"] for row in self.rows).most_common())

    @property
    def unjudged(self) -> int:
        """How many predictions could not be judged through no fault of the model."""
        return len(self.rows) - len(self.judged)

    @property
    def pass_at(self) -> dict[int, float]:
        """By k, in percent: the chance that one of k answers to a sample renders; none for one answer a sample."""
        answers = [[row["status"] == Status.OK.value for row in rows] for rows in by_sample(self._counted).values()]
        most = min(map(len, answers), default=0)
        steps = sorted({*(2**power for power in range(most.bit_length()) if 2**power <= most), most})
        if most < 2:
            return {}
        return {k: 100 * sum(pass_at(k, len(each), sum(each)) for each in answers) / len(answers) for k in steps}

    @property
    def _counted(self) -> Rows:
        return [row for row in self.rows if row["values"] is not None]

    def only(self, ids: set[str]) -> Evaluation:
        """Return the scores of some of the samples."""
        return Evaluation(
            self.benchmark, self.model, [row for row in self.rows if row["id"] in ids], self.left_out, self.path
        )

    @classmethod
    def read(cls, path: str | Path) -> Evaluation:
        """Read a file of scores.

        Raises:
            ConfigError: It cannot be read, or holds something else.
        """
        path = Path(path)
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except OSError as error:
            raise ConfigError(f"the scores {str(path)!r} cannot be read: {error.strerror}") from error
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                missing = [key for key in _KEYS if key not in row]
            except (ValueError, TypeError, RecursionError) as error:
                if not line.endswith(b"\n"):  # torn by a crash
                    continue
                raise ConfigError(f"the scores {str(path)!r} hold something else in line {number}: {error}") from error
            if missing:
                raise ConfigError(
                    f"the scores {str(path)!r} lack {', '.join(missing)} in line {number}; give a file that "
                    "`vincicoder eval score` wrote"
                )
            if row["status"] not in _STATUSES:
                raise ConfigError(
                    f"the scores {str(path)!r} have an unknown status in line {number}: {row['status']!r}"
                )
            rows.append(row)
        kinds = {(row["benchmark"], row["model"]) for row in rows}
        if len(kinds) != 1:
            there = ", ".join(f"{model or 'no name'} on {benchmark}" for benchmark, model in sorted(kinds)) or "none"
            raise ConfigError(f"the scores {str(path)!r} must be of one model on one benchmark; they are of: {there}")
        [(benchmark, model)] = kinds
        if benchmark not in BENCHMARKS:
            raise ConfigError(f"the scores {str(path)!r}: {BENCHMARKS.unknown(benchmark)}")
        return cls(benchmark, model or path.stem, rows, rows[-1].get("left_out", {}), path)
