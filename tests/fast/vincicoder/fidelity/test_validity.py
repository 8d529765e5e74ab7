"""Tau is Kendall's, and is averaged over the groups in which the official metric says something."""

from __future__ import annotations

import itertools
import math

import pytest

from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.metrics import METRICS
from vincicoder.fidelity.validity import OFFICIAL, Validity, highest_tau, kendall, most_of


def test_tau_is_that_of_the_definition():
    assert kendall([1, 2, 3], [10, 20, 30]) == 1
    assert kendall([1, 2, 3], [30, 20, 10]) == -1
    # Five pairs agree and one does not.
    assert kendall([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(4 / 6)


def test_ties_count_on_their_own_side():
    # Of three pairs one is tied in the second ranking, and two agree: 2 / sqrt(3 * 2).
    assert kendall([1, 2, 3], [1, 1, 2]) == pytest.approx(2 / math.sqrt(6))
    assert kendall([1, 1 + 1e-12, 2], [1, 2, 3]) == pytest.approx(2 / math.sqrt(6))
    assert kendall([1, 1, 1], [1, 2, 3]) is kendall([1, 2], [5, 5]) is kendall([], []) is None


def test_no_ranking_without_ties_agrees_by_more_than_the_highest_tau():
    assert highest_tau([3, 1, 2]) == 1
    assert highest_tau([1, 1, 1]) is highest_tau([]) is None
    wanted = [0.5, 0.5, 0.5, 0.9]
    reached = [kendall(wanted, order) or 0.0 for order in itertools.permutations([1.0, 2.0, 3.0, 4.0])]
    assert max(reached) == pytest.approx(highest_tau(wanted)) == pytest.approx(math.sqrt(3 / 6))


@pytest.mark.parametrize("domain", OFFICIAL)
def test_official_metrics_need_no_weights_and_give_the_columns_that_are_compared(domain):
    official = OFFICIAL[domain]
    benchmark = BENCHMARKS.get(official.benchmark)
    metric = METRICS.get(official.metric)
    assert official.metric in benchmark.metrics
    assert not {"network", "judge"} & (metric.needs | metric.prepare_needs)
    assert set(official.columns) <= set(benchmark.sample_summary({"execution": 1.0, **metric.failed}))


def test_two_presets_are_told_side_by_side_with_their_difference():
    most = {most_of("ssim"): [1.6, 2]}
    sides = [[{"id": name, "tally": {"ssim": [tau * 2, 2], **most}} for name in "abc"] for tau in (0.25, 0.75)]
    told = Validity(("paper", "robust"), {"svg": sides}, {"unisvg": {"clip": "it holds weights"}}).to_dict(draws=20)
    found = told["domains"]["svg"]
    assert (found["benchmark"], found["references"], found["groups"]) == ("unisvg", 3, 6)
    assert [found["presets"][name]["ssim"]["value"] for name in ("paper", "robust")] == [0.25, 0.75]
    assert found["differences"]["ssim"]["value"] == pytest.approx(0.5)
    assert found["most"]["ssim"] == pytest.approx(0.8)
    assert told["left_out"] == {"unisvg": {"clip": "it holds weights"}}
