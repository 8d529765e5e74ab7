"""The benchmarks: one file each, whose attribute ``BENCHMARK`` is a `vincicoder.evaluation.benchmark.Benchmark`."""

from __future__ import annotations

from vincicoder.evaluation.benchmark import Benchmark, check_benchmark
from vincicoder.registry import Registry

BENCHMARKS: Registry[Benchmark] = Registry("benchmark", __name__, "BENCHMARK", check=check_benchmark)
