"""The steps of ``vincicoder eval``."""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from vincicoder.cli.parser import FAULT, FINE
from vincicoder.cli.progress import shown_progress
from vincicoder.endpoint import Endpoint
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark, Sample
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.choice import Samples
from vincicoder.evaluation.evaluation import Evaluation
from vincicoder.evaluation.generate import MAX_TOKENS, Sampling, generate
from vincicoder.evaluation.metrics import METRICS
from vincicoder.evaluation.predictions import read_predictions
from vincicoder.evaluation.scoring import choose_metrics, score
from vincicoder.options import from_flat, given_flags
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reporting.printable import printable

_JUDGE_KEY = "JUDGE_API_KEY"


def run_list(options: argparse.Namespace) -> int:
    """Print benchmarks and metrics."""
    for benchmark in BENCHMARKS.values():
        data = " / ".join(filter(None, (benchmark.hub, benchmark.subset, benchmark.split)))
        print(f"{benchmark.name}: {benchmark.title}")
        print(f"  data     {data}; licence: {benchmark.licence or 'not stated'}")
        columns = ", ".join(f"{name} ({column.title})" for name, column in benchmark.columns.items())
        for label, text in (
            ("columns", columns),
            ("metrics", ", ".join(benchmark.metrics)),
            ("protocol", benchmark.protocol),
        ):
            lines = textwrap.wrap(" ".join(text.split()), 108)
            print(f"  {label:<8} " + "\n           ".join(lines))
        print()
    print("metrics:")
    for metric in METRICS.values():
        known = f"verified by {metric.verified.removeprefix('by ')}" if metric.verified else "not verified"
        state = metric.unavailable() or known
        print(f"  {metric.name:<16} {', '.join(metric.gives)}: {state}")
    return FINE


def run_generate(options: argparse.Namespace) -> int:
    """Write a file of predictions."""
    benchmark = BENCHMARKS.get(options.benchmark)
    samples = Samples(lambda: benchmark.load(options.source), options.samples, options.seed)
    return _generate(options, benchmark, samples, Path(options.output))


def run_score(options: argparse.Namespace) -> int:
    """Write a file of scores and print the benchmark's columns."""
    benchmark = BENCHMARKS.get(options.benchmark)
    evaluation = _score(options, benchmark, options.source, Path(options.predictions), Path(options.output))
    if options.json:
        print(json.dumps(_as_dict(evaluation)))
    else:
        print(printable(_table(evaluation)))
    print(f"scores: {options.output}", file=sys.stderr)
    return FAULT if evaluation.unjudged else FINE


def run_report(options: argparse.Namespace) -> int:
    """Write a report."""
    return _report(options, [Path(path) for path in options.scores], Path(options.out))


def run_run(options: argparse.Namespace) -> int:
    """Generate, score and report."""
    names = options.benchmarks or list(BENCHMARKS)
    benchmarks = [BENCHMARKS.get(name) for name in names]
    out = Path(options.out)
    code = FINE
    file = re.sub(r"[^\w.-]+", "_", options.model) + ".jsonl"
    for benchmark in benchmarks:
        source = _source(options.data, benchmark)
        samples = Samples(lambda: benchmark.load(source), options.samples, options.seed)  # noqa: B023
        predictions, scores = (out / kind / benchmark.name / file for kind in ("predictions", "scores"))
        code |= _generate(options, benchmark, samples, predictions)
        code |= FAULT if _score(options, benchmark, source, predictions, scores).unjudged else FINE
    return code | _report(options, sorted(out.glob("scores/*/*.jsonl")), out / "report")


def run_audit(options: argparse.Namespace) -> int:
    """Write what training data hold of benchmarks."""
    from vincicoder.evaluation.contamination import NEAR_BITS, audit

    names = options.benchmarks.split(",") if options.benchmarks else list(BENCHMARKS)
    benchmarks = {name: Samples(functools.partial(_loaded, options.data, name)) for name in map(str.strip, names)}
    bits = NEAR_BITS if options.bits is None else options.bits
    with shown_progress(None, "row", "training data") as (progress, _):
        found = audit([Path(path) for path in options.training], benchmarks, bits, progress)
    found.write(Path(options.output))
    print(printable(found.table()))
    print(f"audit: {options.output}", file=sys.stderr)
    return FINE


def run_export(options: argparse.Namespace) -> int:
    """Write samples of benchmarks as a trainer's validation data."""
    from vincicoder.evaluation.export import export

    names = options.benchmarks or list(BENCHMARKS)
    out = Path(options.out)
    for benchmark in [BENCHMARKS.get(name) for name in names]:
        source = _source(options.data, benchmark)
        samples = Samples(functools.partial(benchmark.load, source), options.samples, options.seed)
        path = out / f"{benchmark.name}.parquet"
        count = export(benchmark, samples, options.layout, path)
        print(f"{path}: {count:,} rows")
    return FINE


def run_drift(options: argparse.Namespace) -> int:
    """Print how far a model has moved between two states."""
    from vincicoder.evaluation.states import drift_of, table

    found = drift_of(read_predictions(options.first), read_predictions(options.second))
    print(json.dumps(found) if options.json else table(found))
    return FINE


def _loaded(data: str | None, name: str) -> Iterator[Sample]:
    benchmark = BENCHMARKS.get(name)
    return benchmark.load(_source(data, benchmark))


def _source(data: str | None, benchmark: Benchmark) -> Path | None:
    if data is None:
        return None
    path = Path(data).expanduser() / benchmark.name
    if not path.is_dir():
        raise ConfigError(
            f"{str(path)!r} is not a directory; --data is the directory that holds a directory of each benchmark's name"
        )
    return path


def _generate(options: argparse.Namespace, benchmark: Benchmark, samples: Samples, path: Path) -> int:
    endpoint = endpoint_of(options)
    temperature = options.temperature
    if temperature is None:
        temperature = 1.0 if options.answers > 1 else 0.0
    sampling = Sampling(options.answers, options.seed, temperature, options.max_tokens or MAX_TOKENS)
    total = len(samples) * sampling.n
    with shown_progress(total, "answer", benchmark.name) as (progress, complain):
        missing = generate(benchmark.name, samples, endpoint, path, sampling, progress, complain)
    print(f"predictions: {path}, {total - missing:,} of {total:,}", file=sys.stderr)
    return FAULT if missing else FINE


def _score(
    options: argparse.Namespace, benchmark: Benchmark, source: str | Path | None, predictions: Path, output: Path
) -> Evaluation:
    judge = judge_of(options)
    metrics = choose_metrics(benchmark, judge, options.extra, options.without)
    for metric, reason in metrics.left_out.items():
        print(printable(f"vincicoder: {benchmark.name}: metric {metric} is left out: {reason}"), file=sys.stderr)
    config = from_flat(RenderingConfig, given_flags(options, RenderingConfig))
    columns = getattr(options, "columns", None) or {}
    read = read_predictions(predictions, {theirs: ours for ours, theirs in columns.items()})
    said = next((each.model for each in read if each.model), "")
    model: str = getattr(options, "name", None) or ("" if said else predictions.stem)
    with shown_progress(len(read), "prediction", benchmark.name) as (progress, complain):
        rows = list(
            score(benchmark, benchmark.load(source), read, metrics, config, judge, output, model, progress, complain)
        )
    return Evaluation(benchmark.name, model or said, rows, metrics.left_out, output)


def endpoint_of(options: argparse.Namespace) -> Endpoint:
    """Return the endpoint that the options of a model describe."""
    return Endpoint(
        options.url,
        options.model,
        key_variable=options.key_variable,
        concurrency=options.concurrency,
        timeout=options.timeout,
    )


def judge_of(options: argparse.Namespace) -> Endpoint | None:
    """Return the endpoint of the judge, or None if none is given.

    Raises:
        ConfigError: Only one of its two options is given.
    """
    given = (options.judge_url, options.judge_model)
    if given == (None, None):
        return None
    if None in given:
        raise ConfigError("a judge needs both --judge-url and --judge-model")
    return Endpoint(options.judge_url, options.judge_model, key_variable=_JUDGE_KEY)


def _report(options: argparse.Namespace, paths: list[Path], out: Path) -> int:
    from vincicoder.evaluation.contamination import Audit
    from vincicoder.evaluation.report import EvaluationReport

    audit = Audit.read(Path(options.audit)) if options.audit else None
    report = EvaluationReport([Evaluation.read(path) for path in paths], options.title, options.compare, audit)
    page = report.write(out)
    print(printable(report.markdown_table()))
    print(f"report: {page}", file=sys.stderr)
    return FINE


def _table(evaluation: Evaluation) -> str:
    """Return the columns with their intervals, and what became of the predictions."""
    columns = evaluation.about.columns
    width = max(len(column.title) for column in columns.values())
    lines = []
    for name, column in columns.items():
        found = evaluation.intervals.get(name)
        shown = "-" if found is None else f"{found.value:6.1f}   {found.low:.1f} to {found.high:.1f}"
        lines.append(f"{column.title:<{width}}  {shown}")
    statuses = ", ".join(f"{status} {count}" for status, count in evaluation.statuses.items())
    if evaluation.pass_at:
        lines.append("renders: " + ", ".join(f"pass@{k} {value:.1f}" for k, value in evaluation.pass_at.items()))
    judged = f"judged {len(evaluation.judged)} of {len(evaluation.rows)} predictions for {evaluation.samples} samples"
    return "\n".join([*lines, f"{judged}: {statuses}"])


def _as_dict(evaluation: Evaluation) -> dict[str, object]:
    return {
        "benchmark": evaluation.benchmark,
        "model": evaluation.model,
        "samples": evaluation.samples,
        "predictions": len(evaluation.rows),
        "judged": len(evaluation.judged),
        "statuses": evaluation.statuses,
        "columns": {name: vars(each) for name, each in evaluation.intervals.items()},
        "pass_at": evaluation.pass_at,
        "left_out": dict(evaluation.left_out),
    }
