"""Intervals hold the truth as often as they say, and pairing finds what unpaired intervals cannot."""

from __future__ import annotations

import numpy as np
import pytest

from vincicoder.evaluation.statistics import by_sample, differences, intervals


def mean(rows):
    return {"mean": sum(row["value"] for row in rows) / len(rows)}


def rows_of(values):
    return [{"id": f"{number:04}", "value": float(value)} for number, value in enumerate(values)]


def test_the_interval_of_a_share_is_two_standard_errors_to_both_sides():
    values = [1.0] * 180 + [0.0] * 120
    found = intervals(mean, rows_of(values))["mean"]
    error = (0.6 * 0.4 / 300) ** 0.5
    assert found.value == pytest.approx(0.6)
    assert (found.low, found.high) == (
        pytest.approx(0.6 - 1.96 * error, abs=0.006),
        pytest.approx(0.6 + 1.96 * error, abs=0.006),
    )


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        found = intervals(mean, rows_of(random.random(100) < 0.5), draws=200)["mean"]
        held += found.low <= 0.5 <= found.high
    assert 87 <= held <= 100


def test_pairing_finds_a_small_difference_between_samples_that_vary_much():
    random = np.random.default_rng(2)
    hard = random.random(200)
    first, second = rows_of(hard), rows_of(hard + 0.01 + 0.01 * random.standard_normal(200))
    alone = intervals(mean, first)["mean"], intervals(mean, second)["mean"]
    assert alone[0].high > alone[1].low  # unpaired intervals overlap
    found = differences(mean, first, second)["mean"]
    assert found.clear
    assert found.value == pytest.approx(0.01, abs=0.003)
    assert found.p == pytest.approx(2 / 1001)


def test_equal_models_do_not_differ():
    rows = rows_of(np.random.default_rng(3).random(50))
    found = differences(mean, rows, rows)["mean"]
    assert (found.value, found.low, found.high, found.clear, found.p) == (0.0, 0.0, 0.0, False, 1.0)


def test_models_are_compared_on_what_both_have_answered():
    first, second = rows_of([0.0] * 10), rows_of([1.0] * 6)
    found = differences(mean, first, second)["mean"]
    assert (found.samples, found.value) == (6, 1.0)
    assert differences(mean, [], second) == {}


def test_all_answers_to_a_sample_are_drawn_together():
    rows = [{"id": name, "value": value} for name, value in (("b", 1.0), ("a", 0.0), ("b", 0.0))]
    assert [(name, len(group)) for name, group in by_sample(rows).items()] == [("a", 1), ("b", 2)]
    found = intervals(mean, rows)["mean"]
    assert (found.low, found.high) == (0.0, 0.5)


def test_a_column_that_some_draws_say_nothing_about_has_an_interval_of_the_others():
    def of_valid(rows):
        valid = [row["value"] for row in rows if row["value"] >= 0]
        return {"valid": sum(valid) / len(valid)} if valid else {}

    found = intervals(of_valid, rows_of([-1.0, -1.0, 0.5]))["valid"]
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
