"""Benchmarks' own metrics for responses to rows that ``vincicoder eval export`` wrote: validation during training."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vincicoder.evaluation.export import exported_sample
from vincicoder.trainers.metrics import BENCHMARK, Metrics

if TYPE_CHECKING:
    from vincicoder.evaluation.benchmark import Benchmark, Sample
    from vincicoder.evaluation.predictions import Prediction
    from vincicoder.rendering.config import RenderingConfig
    from vincicoder.reward import RewardRequest

logger = logging.getLogger(__name__)

UNJUDGED = "unjudged"
"""1 for a response that could not be measured through no fault of the model."""

_PROCESSES = 8
"""So many processes of a machine may measure at a time: ranks of a trainer, or reward workers."""


def benchmark_names(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return names of benchmarks, given as a list or as text with commas between them.

    Example:
        >>> benchmark_names("unisvg, chartmimic")
        ('unisvg', 'chartmimic')
    """
    names = given.split(",") if isinstance(given, str) else given
    return tuple(name.strip() for name in names)


def benchmark_metrics(benchmarks: Iterable[str]) -> list[str]:
    """Return the names of the metrics that a sample of one of these benchmarks may have.

    Args:
        benchmarks: Their names.

    Raises:
        ConfigError: There is no such benchmark.

    Example:
        >>> benchmark_metrics(["image2latex"])
        ['benchmark/image2latex/execution', 'benchmark/image2latex/ems', 'benchmark/image2latex/unjudged']
    """
    from vincicoder.evaluation.benchmarks import BENCHMARKS

    return [_metric(name, column) for name in benchmarks for column in (*BENCHMARKS.get(name).columns, UNJUDGED)]


class Validation:
    """Measures responses to samples of benchmarks, and keeps them. Never fails: what goes wrong is counted.

    Args:
        benchmarks: Names of the benchmarks whose samples are measured.
        rendering: How code is rendered; of ``workers``, this process takes its share.
        directory: Where responses are kept as predictions for ``vincicoder eval score``, one file a benchmark and
            step; None keeps none.

    Raises:
        ConfigError: There is no such benchmark.

    Example:
        >>> from vincicoder.rendering.config import RenderingConfig
        >>> Validation(["unisvg"], RenderingConfig()).measure([])
        []
    """

    def __init__(
        self, benchmarks: Sequence[str], rendering: RenderingConfig, directory: str | Path | None = None
    ) -> None:
        from vincicoder.evaluation.benchmarks import BENCHMARKS

        self._benchmarks = {name: BENCHMARKS.get(name) for name in benchmarks}
        workers = max(1, (rendering.workers or len(os.sched_getaffinity(0))) // _PROCESSES)
        self._rendering = dataclasses.replace(rendering, workers=workers)
        self._directory = None if directory is None else Path(directory).expanduser()
        self._lock = threading.Lock()

    def measure(self, requests: Sequence[RewardRequest]) -> list[Metrics]:
        """Return the benchmark's metrics of each response; none for those to no sample of the benchmarks."""
        found: list[Metrics] = [{} for _ in requests]
        asked: dict[str, list[tuple[int, Sample]]] = {}
        for index, request in enumerate(requests):
            name, sample = exported_sample(request)
            if sample is not None and name in self._benchmarks:
                asked.setdefault(name, []).append((index, sample))
        for name, samples in asked.items():
            for index, _ in samples:
                found[index] = {_metric(name, UNJUDGED): 1.0}
            try:
                for index, columns in self._measured(self._benchmarks[name], samples, requests):
                    found[index] = {_metric(name, column): value for column, value in columns.items()}
            except Exception as error:  # noqa: BLE001 - a validation must not end a training run
                logger.warning(f"responses to {name} could not be measured: {type(error).__name__}: {error}")
        return found

    def _measured(
        self, benchmark: Benchmark, samples: Sequence[tuple[int, Sample]], requests: Sequence[RewardRequest]
    ) -> Iterable[tuple[int, Mapping[str, float]]]:
        """Yield the place of each response that could be judged, and its columns."""
        from vincicoder.evaluation.predictions import Prediction
        from vincicoder.evaluation.scoring import choose_metrics, score

        indices: dict[str, list[int]] = {}
        predictions = []
        for index, sample in samples:
            others = indices.setdefault(sample.id, [])
            step = requests[index].metadata.get("global_step")
            model = "" if step is None else f"step-{step}"
            predictions.append(Prediction(sample.id, requests[index].response, len(others), model))
            others.append(index)
        with self._lock:  # each measures in processes of its own
            self._keep(benchmark.name, predictions)
            once = {sample.id: sample for _, sample in samples}.values()
            metrics = choose_metrics(benchmark)
            for row in score(benchmark, once, predictions, metrics, self._rendering):
                if row["values"] is not None:
                    columns = benchmark.sample_summary(row["values"])
                    yield indices[row["id"]][row["number"]], {**columns, UNJUDGED: 0.0}

    def _keep(self, benchmark: str, predictions: Sequence[Prediction]) -> None:
        """Append predictions to their file. Several processes may do so at a time, hence one write."""
        if self._directory is None:
            return
        directory = self._directory / benchmark
        directory.mkdir(parents=True, exist_ok=True)
        lines: dict[str, str] = {}
        for each in predictions:
            row = {"id": each.id, "response": each.response, "model": each.model}
            lines[each.model] = lines.get(each.model, "") + json.dumps(row) + "\n"
        for model, text in lines.items():
            file = os.open(directory / f"{model or 'responses'}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            with os.fdopen(file, "wb", buffering=0) as stream:
                stream.write(text.encode())


def _metric(benchmark: str, column: str) -> str:
    return f"{BENCHMARK}{benchmark}/{column}"
