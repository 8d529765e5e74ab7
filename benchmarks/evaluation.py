"""How fast predictions are scored, and how much CPU scoring takes beside the renders that its metrics need.

Tiny copies of the five benchmarks are made of the sample set, whose responses are the predictions: good, flawed and
failing ones. A few predictions are scored first, to fill the cache of what references need. Then all are measured::

    python benchmarks/evaluation.py --predictions 1000

CPU is that of this process, of the metrics in their workers, and of the renders as the sandbox counts it. What it takes
to start processes, some seconds a run, is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support")]

from tiny_benchmarks import LAYOUTS, SAMPLES, references  # noqa: E402

from vincicoder.evaluation.benchmarks import BENCHMARKS  # noqa: E402
from vincicoder.evaluation.predictions import Prediction  # noqa: E402
from vincicoder.evaluation.scoring import choose_metrics, score  # noqa: E402
from vincicoder.rendering.config import RenderingConfig  # noqa: E402
from vincicoder.status import Status  # noqa: E402

DOMAINS = {"chartmimic": "chart", "design2code": "web", "image2latex": "latex", "unisvg": "svg"}
"""Benchmarks and the domain of the sample set that each takes its responses from. ChemDraw's molecules are of no
sample, so that it is left out."""

_SAMPLES = 12  # of each benchmark


def predictions_of(benchmark: str, directory: Path, count: int) -> list[Prediction]:
    """Return so many predictions, the samples by turns, each with its responses by turns."""
    samples = list(BENCHMARKS.get(benchmark).load(directory))
    domain = DOMAINS[benchmark]
    names = [name for name, _, _ in references(domain, _SAMPLES, "pgf-" if domain == "latex" else "")]
    responses = []
    for name in names:
        texts = [path.read_text("utf-8") for path in sorted((SAMPLES / domain / name / "responses").glob("*.md"))]
        slow = ("while True", "Event().wait")  # what only waits for its limit would measure the limit
        responses.append([text for text in texts if not any(mark in text for mark in slow)])
    by_id = {sample.id: texts for sample, texts in zip(_in_order(samples, names), responses, strict=True)}
    answers = {name: cycle(texts) for name, texts in by_id.items()}
    found = []
    for number, name in enumerate(islice(cycle(by_id), count)):
        found.append(Prediction(name, next(answers[name]), number, "mixed"))
    return found


def _in_order(samples: list, names: list[str]) -> list:
    """Return the samples in the order of the names that their ids hold."""
    return [next(sample for sample in samples if sample.id.endswith(name)) for name in names]


def cpu() -> float:
    """Return the CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(benchmark: str, directory: Path, count: int, workers: int | None) -> tuple[int, float, float, float]:
    """Score each sample once, then all predictions; return how many, and their wall, CPU and render seconds."""
    chosen = BENCHMARKS.get(benchmark)
    metrics = choose_metrics(chosen)
    predictions = predictions_of(benchmark, directory, count)
    config = RenderingConfig(workers=workers)
    for wanted in (predictions[:_SAMPLES], predictions):
        begun, used = time.perf_counter(), cpu()
        rows = list(score(chosen, chosen.load(directory), wanted, metrics, config))
        wall, total = time.perf_counter() - begun, cpu() - used
        assert all(row["status"] != Status.INFRASTRUCTURE.value for row in rows), "this machine is at fault"
    renders = sum(row["cpu_seconds"]["render"] for row in rows)
    measuring = sum(row["cpu_seconds"]["measure"] + row["cpu_seconds"]["gold"] for row in rows)
    return len(rows), wall, total + measuring + renders, renders


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=1000, metavar="N", help="over all (default: 1000)")
    parser.add_argument("--workers", type=int, metavar="N", help="renders at a time (default: one per CPU)")
    options = parser.parse_args()
    totals = [0.0] * 4
    print(f"{'benchmark':<12} {'predictions':>11} {'a second':>9} {'CPU s':>8} {'render s':>9} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_CACHE_HOME"] = directory
        for name in DOMAINS:
            LAYOUTS[name](Path(directory) / name, _SAMPLES)
            found = measure(name, Path(directory) / name, options.predictions // len(DOMAINS), options.workers)
            totals = [before + each for before, each in zip(totals, found, strict=True)]
            _print(name, *found)
    _print("all", *totals)


def _print(name: str, count: float, wall: float, total: float, renders: float) -> None:
    print(
        f"{name:<12} {count:>11.0f} {count / wall:>9.2f} {total:>8.1f} {renders:>9.1f} {total / renders:>6.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
