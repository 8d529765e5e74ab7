"""Score predictions with a benchmark's metrics: in parallel, in the sandbox, and on from where a run stopped.

A line of a file of scores has ``benchmark``, ``model``, ``id``, ``number``, ``status``, ``message``, ``code``,
``values`` (by the names that metrics give, or null where nothing could be judged) and ``cpu_seconds``.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vincicoder.endpoint import Endpoint
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark, Sample
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.evaluation import Evaluation
from vincicoder.evaluation.gold import gold_directory
from vincicoder.evaluation.measuring import Plan
from vincicoder.evaluation.metrics import METRICS
from vincicoder.evaluation.predictions import Prediction, PredictionsLike, read_predictions, reference_id
from vincicoder.evaluation.workers import MeasuringWorkers
from vincicoder.options import from_flat
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reporting import ResultsFile, Settings


@dataclass(frozen=True)
class Metrics:
    """Which metrics are measured, and which are left out and why.

    Attributes:
        names: Those that are measured.
        left_out: Reasons by the names of the others.
    """

    names: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)


def choose_metrics(
    benchmark: Benchmark, judge: Endpoint | None = None, extra: Sequence[str] = (), without: Sequence[str] = ()
) -> Metrics:
    """Return the metrics of a benchmark that can work here.

    Args:
        benchmark: The benchmark.
        judge: The endpoint that judges, or None.
        extra: Names of further metrics.
        without: Names of metrics that are not wanted.

    Raises:
        ConfigError: There is no such metric, or an extra one cannot work here.

    Example:
        >>> choose_metrics(BENCHMARKS.get("image2latex"), without=["ems"]).names
        ('execution',)
    """
    for name in (*extra, *without):
        if name not in METRICS:
            raise ConfigError(METRICS.unknown(name))
    names, left_out = [], {}
    for name in dict.fromkeys((*benchmark.metrics, *extra)):
        metric = METRICS.get(name)
        if name in without:
            reason = "not wanted"
        elif "judge" in metric.needs | metric.prepare_needs and judge is None:
            reason = "it needs the endpoint of a judge"
        else:
            reason = metric.unavailable()
        if reason and name in extra:
            raise ConfigError(f"metric {name!r} cannot work here: {reason}")
        if reason:
            left_out[name] = reason
        else:
            names.append(name)
    return Metrics(tuple(names), left_out)


def score(
    benchmark: Benchmark,
    samples: Iterable[Sample],
    predictions: Sequence[Prediction],
    metrics: Metrics,
    rendering: RenderingConfig | None = None,
    judge: Endpoint | None = None,
    output: str | Path | None = None,
    model: str = "",
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
) -> Iterator[dict[str, Any]]:
    """Yield the scores of predictions as they come, earlier ones from the file included.

    Args:
        benchmark: What the samples belong to.
        samples: Those of the benchmark; without predictions they cost nothing.
        predictions: What to score.
        metrics: What to measure.
        rendering: How code is rendered; None for the defaults.
        judge: The endpoint that judges, or None.
        output: File of scores, in JSON lines; None writes none. Small copies of the images come into a directory
            beside it, for reports.
        model: What to call the model; "" for the name that the predictions say.
        progress: Called for each prediction, with whether it was scored now.
        complain: Called with a sentence if some predictions are for samples that are not there.

    Raises:
        ConfigError: No prediction is for a sample of the benchmark, or the file holds something else.
    """
    rendering = rendering or RenderingConfig()
    settings = _settings(benchmark, metrics, rendering, judge)
    results = None if output is None else ResultsFile(output, settings.with_values(model=model))
    images = None if output is None else images_beside(output)
    if images is not None:
        images.mkdir(exist_ok=True)
    plan = Plan(benchmark.name, metrics.names, judge, images, gold_directory(), settings.run)
    jobs = _Jobs(samples, predictions, results)
    try:
        with RenderPool.of(under_protocol(rendering, benchmark)) as pool:
            for row in MeasuringWorkers(plan, pool.workers, rendering.sandbox.nice, pool.render).rows(jobs):
                prediction = jobs.prediction(row)
                row = {"benchmark": benchmark.name, "model": model or prediction.model, **row}
                row["left_out"] = metrics.left_out
                if results is not None:
                    results.write(_key(prediction), row)
                progress(True)
                yield row
        for row in jobs.earlier:
            progress(False)
            yield row
        if jobs.unknown:
            complain(jobs.complaint)
    finally:
        if results is not None:
            results.close()


def images_beside(output: str | Path) -> Path:
    """Return the directory with small copies of the images that belong to a file of scores.

    Example:
        >>> images_beside("scores/unisvg.jsonl").name
        'unisvg.images'
    """
    return Path(output).with_suffix(".images")


def evaluate(
    benchmark: str,
    predictions: PredictionsLike,
    source: str | Path | None = None,
    *,
    judge: Endpoint | None = None,
    extra: Sequence[str] = (),
    without: Sequence[str] = (),
    output: str | Path | None = None,
    **rendering: Any,
) -> Evaluation:
    """Score predictions on a benchmark.

    Args:
        benchmark: Its name; see ``vincicoder eval list``.
        predictions: A file, responses by id, or the predictions; see :mod:`vincicoder.evaluation.predictions`.
        source: Directory of the benchmark in its official layout; None for the hub.
        judge: The endpoint that judges, or None to leave out what needs one.
        extra: Names of metrics besides the benchmark's own.
        without: Names of metrics to leave out.
        output: File of scores that a later run goes on from; None writes none.
        rendering: Options of rendering by flat name, such as ``workers=8`` or ``python="/venvs/charts/bin/python"``.

    Raises:
        ConfigError: There is no such benchmark, its data are not there, or the predictions are not for it.

    Example:
        >>> evaluation = evaluate("unisvg", "predictions.jsonl", "data/UniSVG")  # doctest: +SKIP
        >>> evaluation.columns["low"]  # doctest: +SKIP
        61.2
    """
    chosen = BENCHMARKS.get(benchmark)
    metrics = choose_metrics(chosen, judge, extra, without)
    config = from_flat(RenderingConfig, rendering)
    read = read_predictions(predictions)
    rows = list(score(chosen, chosen.load(source), read, metrics, config, judge, output))
    return Evaluation(chosen.name, rows[0]["model"] if rows else "", rows, metrics.left_out)


def _settings(benchmark: Benchmark, metrics: Metrics, rendering: RenderingConfig, judge: Endpoint | None) -> Settings:
    """Return what scores depend on besides the predictions."""
    return Settings.of(
        under_protocol(rendering, benchmark),
        benchmark=benchmark.name,
        metrics=list(metrics.names),
        measuring_code=rules_digest(),
        judge=None if judge is None else judge.model,
    )


def under_protocol(rendering: RenderingConfig, benchmark: Benchmark) -> RenderingConfig:
    """Return the configuration under the protocol's options; those that the user gives win.

    Example:
        >>> under_protocol(RenderingConfig(), BENCHMARKS.get("image2latex")).renderer_options
        {'latex': {'dpi': 200}}
    """
    given = rendering.renderer_options or {}
    languages = {*benchmark.renderer_options, *given}
    options = {name: {**benchmark.renderer_options.get(name, {}), **given.get(name, {})} for name in languages}
    return dataclasses.replace(rendering, renderer_options=options or None)


@functools.cache
def rules_digest() -> str:
    """Return a digest of the code that measures, so that nothing is taken over from another version of it."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".js") and path.parent.name in ("benchmarks", "metrics"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digest(values: Any) -> str:
    return hashlib.blake2b(json.dumps(values, sort_keys=True, default=repr).encode(), digest_size=12).hexdigest()


def _key(prediction: Prediction) -> str:
    return _digest([prediction.id, prediction.number, prediction.response])


class _Jobs:
    """Samples with those of their predictions that have no scores yet; what has is put aside.

    Attributes:
        earlier: Scores of an earlier run.
        unknown: Ids of predictions for which there is no sample.
    """

    def __init__(
        self, samples: Iterable[Sample], predictions: Sequence[Prediction], results: ResultsFile | None
    ) -> None:
        self._samples, self._results = samples, results
        self._first = ""
        self._predictions: dict[str, dict[int, Prediction]] = {}
        for each in predictions:
            self._predictions.setdefault(each.id, {})[each.number] = each
        self.earlier: list[dict[str, Any]] = []
        self.unknown = dict.fromkeys(self._predictions)

    def __iter__(self) -> Iterator[tuple[Sample, list[Prediction]]]:
        for sample in self._samples:
            self._first = self._first or sample.id
            self._adopt(sample)
            self.unknown.pop(sample.id, None)
            wanted = [each for each in self._predictions.get(sample.id, {}).values() if not self._taken(each)]
            if wanted:
                yield sample, wanted
        if self.unknown and len(self.unknown) == len(self._predictions):
            raise ConfigError(self.complaint)

    def _adopt(self, sample: Sample) -> None:
        """Give predictions that name the sample by its reference the sample's id."""
        named = reference_id(sample.reference) if sample.reference else ""
        if named in self.unknown:
            del self.unknown[named]
            found = self._predictions.pop(named)
            self._predictions[sample.id] = {
                number: dataclasses.replace(each, id=sample.id) for number, each in found.items()
            }

    @property
    def complaint(self) -> str:
        """What to say of predictions without a sample."""
        return (
            f"{len(self.unknown):,} of {len(self._predictions):,} predicted samples are none of this benchmark: it has "
            f"no sample {next(iter(self.unknown))!r} but such as {self._first!r}; give predictions with its own ids"
        )

    def prediction(self, row: Mapping[str, Any]) -> Prediction:
        """Return the prediction that a row of scores is of."""
        return self._predictions[row["id"]][row["number"]]

    def _taken(self, prediction: Prediction) -> bool:
        kept = None if self._results is None else self._results.take(_key(prediction))
        if kept is not None:
            self.earlier.append(kept)
        return kept is not None
