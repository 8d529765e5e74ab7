"""Distances of sets, several samples and drift, where they can be worked out by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from vincicoder.evaluation.sets import best_of, drift, fid, kid, length_drift, pass_at


def embeddings(seed: int, count: int = 50, size: int = 6, shift: float = 0.0):
    return np.random.default_rng(seed).normal(shift, 1, (count, size))


def test_equal_sets_are_at_distance_0():
    assert fid(embeddings(0), embeddings(0)) == pytest.approx(0, abs=1e-9)


def test_a_shifted_set_is_at_the_square_of_its_shift():
    assert fid(embeddings(0), embeddings(0) + 0.5) == pytest.approx(6 * 0.25)


def test_a_scaled_set_is_at_the_difference_of_deviations():
    values = np.array([[1.0], [-1.0], [3.0], [-3.0]])
    assert fid(values, 2 * values) == pytest.approx(values.var(ddof=1))


def test_fid_is_that_of_the_roots_of_matrices():
    first, second = embeddings(1), embeddings(2) @ np.diag([1, 2, 3, 1, 1, 0.5])
    a, b = np.cov(first.T), np.cov(second.T)
    roots = np.sqrt(np.linalg.eigvals(a @ b).real.clip(0)).sum()
    shift = first.mean(0) - second.mean(0)
    assert fid(first, second) == pytest.approx(shift @ shift + np.trace(a) + np.trace(b) - 2 * roots)


def test_fid_works_with_fewer_embeddings_than_dimensions():
    assert fid(embeddings(3, 4, 32), embeddings(3, 4, 32)) == pytest.approx(0, abs=1e-9)


def test_kid_is_the_mean_over_pairs():
    first, second = embeddings(4, 5, 3), embeddings(5, 4, 3, 0.5)

    def kernel(a, b):
        return (a @ b / 3 + 1) ** 3

    within = [np.mean([kernel(a, b) for a, b in itertools.permutations(each, 2)]) for each in (first, second)]
    across = np.mean([kernel(a, b) for a in first for b in second])
    assert kid(first, second) == pytest.approx(sum(within) - 2 * across)


def test_kid_is_larger_for_sets_that_are_farther():
    assert kid(embeddings(0), embeddings(1)) < kid(embeddings(0), embeddings(1, shift=1.0))


@pytest.mark.parametrize("distance", [fid, kid])
def test_a_set_of_one_has_no_distribution(distance):
    with pytest.raises(ValueError, match=r"shape \[1, 6\]"):
        distance(embeddings(0, 1), embeddings(1))


def test_pass_at_k_counts_all_draws():
    passed = [True, False, False, True, False]
    draws = list(itertools.combinations(passed, 3))
    assert pass_at(3, 5, 2) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_at(1, 5, 2) == pytest.approx(2 / 5)
    assert (pass_at(5, 5, 1), pass_at(3, 5, 0)) == (1.0, 0.0)


@pytest.mark.parametrize("numbers", [(0, 5, 1), (6, 5, 1), (1, 5, 6)])
def test_what_cannot_be_drawn_is_refused(numbers):
    with pytest.raises(ValueError, match="cannot be drawn"):
        pass_at(*numbers)


def test_of_equal_rewards_the_first_sample_counts():
    assert best_of([0.5, 0.5], [0.1, 0.9]) == 0.1
    with pytest.raises(ValueError, match="2 rewards and 1 values"):
        best_of([0.5, 0.5], [0.1])


def test_drift_of_known_probabilities():
    first, second = (
        [[math.log(0.5), math.log(0.5)], [math.log(0.8)]],
        [[math.log(0.25), math.log(0.5)], [math.log(0.4)]],
    )
    values = drift(first, second)
    assert values["kl"] == pytest.approx(2 * math.log(2) / 3)
    assert values["kl_k3"] == pytest.approx((2 * (0.5 - 1 + math.log(2)) + 0) / 3)
    assert values["kl_response"] == pytest.approx(math.log(2))
    assert drift(first, first) == {"kl": 0.0, "kl_k3": 0.0, "kl_response": 0.0}


@pytest.mark.parametrize(("first", "second"), [([[0.0]], [[0.0, 0.0]]), ([[0.0]], []), ([[]], [[]])])
def test_drift_of_other_tokens_is_refused(first, second):
    with pytest.raises(ValueError, match="log-probabilities"):
        drift(first, second)


def test_length_drift():
    assert length_drift([10, 30], [20, 20]) == {"mean": 0.0, "ratio": 1.0, "longer": 0.5}
    assert length_drift([0], [5])["ratio"] == math.inf
