"""Every benchmark and every metric keeps the contract; one that is added is tested by being there."""

from __future__ import annotations

import pytest

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark, Column, mean_of
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.metrics import METRICS, Metric, check_metric
from vincicoder.languages import LANGUAGES


def given_by(benchmark: Benchmark) -> dict[str, float]:
    """Return the documented values of a failure."""
    values: dict[str, float] = {}
    for name in benchmark.metrics:
        values |= METRICS.get(name).failed
    return values


def test_all_load():
    assert (BENCHMARKS.faults(), METRICS.faults()) == ({}, {})


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_has_metrics_for_all_its_columns(name):
    benchmark = BENCHMARKS.get(name)
    needed = {value for column in benchmark.columns.values() for value in column.needs}
    assert needed <= set(given_by(benchmark))
    assert benchmark.language in LANGUAGES
    assert benchmark.protocol.endswith(".")
    assert set(benchmark.renderer_options) <= set(LANGUAGES)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_no_two_metrics_of_a_benchmark_give_the_same_value(name):
    given = [value for metric in BENCHMARKS.get(name).metrics for value in METRICS.get(metric).gives]
    assert len(given) == len(set(given))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_failure_pulls_every_column_down_to_its_documented_value(name):
    benchmark = BENCHMARKS.get(name)
    summary = benchmark.summary([given_by(benchmark)])
    assert list(summary) == list(benchmark.columns)
    for column, value in summary.items():
        assert value == (0 if benchmark.columns[column].higher_is_better else 100), column


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_directory_that_does_not_exist_is_one_clear_sentence(name, tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere is not a directory; give the one that holds"):
        list(BENCHMARKS.get(name).load(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_empty_directory_is_one_clear_sentence(name, tmp_path):
    with pytest.raises(ConfigError) as error:
        list(BENCHMARKS.get(name).load(tmp_path))
    assert str(tmp_path) in str(error.value)


def test_a_column_is_left_out_where_a_value_was_not_measured():
    benchmark = BENCHMARKS.get("image2latex")
    assert benchmark.summary([{"execution": 1.0}, {"execution": 0.0, "ems": 0.0}]) == {"execution": 50.0}
    assert benchmark.summary([]) == {}


def test_the_denominator_is_all_samples():
    column: Column = mean_of("text", "layout", title="Low-level")
    assert column.value([{"text": 1.0, "layout": 0.5}, {"text": 0.0, "layout": 0.0}]) == 37.5


def test_metrics_of_networks_ask_for_the_process_that_holds_them():
    assert {name for name in METRICS if "network" in METRICS.get(name).needs} == {"clip", "design2code_clip", "lpips"}


def test_a_metric_that_asks_for_what_nobody_has_is_refused():
    metric = Metric("odd", ("odd",), lambda weather: {"odd": weather}, {"odd": 0.0})
    assert check_metric("odd", metric).startswith("asks for weather; on offer are: code, judge")


def test_a_metric_that_does_not_say_what_a_failure_counts_is_refused():
    assert "failure" in check_metric("odd", Metric("odd", ("odd",), dict, {}))
