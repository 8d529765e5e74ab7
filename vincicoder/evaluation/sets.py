"""What is measured of sets of predictions: distances of distributions, several samples, drift between two states."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def fid(first: Array, second: Array) -> float:
    """Return the Fréchet distance of two sets of embeddings; 0 for equal sets.

    It is that of two normal distributions with the sets' means and covariances. Of an encoder other than Inception it
    is no FID that can be compared with published ones.

    Args:
        first: Embeddings, shape [n, D], n at least 2.
        second: Likewise, shape [m, D].

    Example:
        >>> round(fid(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]])), 6)
        9.0
    """
    first, second = _embeddings(first), _embeddings(second)
    shift = first.mean(0) - second.mean(0)
    # The trace of the root of the product of the covariances is the sum of the singular values of the product of
    # factors, which needs no root of a matrix and stays exact where there are fewer embeddings than dimensions.
    factors = [(each - each.mean(0)) / math.sqrt(len(each) - 1) for each in (first, second)]
    common = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    spread = sum(float((factor**2).sum()) for factor in factors)
    return max(0.0, float(shift @ shift) + spread - 2 * float(common))


def kid(first: Array, second: Array) -> float:
    """Return the kernel distance of two sets of embeddings: the unbiased squared MMD under (x·y / D + 1)³.

    Its mean is 0 for two samples of one distribution, so it may fall below 0. All pairs are taken, not subsets.

    Args:
        first: Embeddings, shape [n, D], n at least 2.
        second: Likewise, shape [m, D].
    """
    first, second = _embeddings(first), _embeddings(second)
    size = first.shape[1]

    def kernel(a: Array, b: Array) -> Array:
        return np.asarray((a @ b.T / size + 1) ** 3)

    def inner(a: Array) -> float:
        values = kernel(a, a)
        return float((values.sum() - np.trace(values)) / (len(a) * (len(a) - 1)))

    return inner(first) + inner(second) - 2 * float(kernel(first, second).mean())


def pass_at(k: int, samples: int, passed: int) -> float:
    """Return the chance that at least one of ``k`` of the samples passes, k of them drawn at random.

    Args:
        k: How many are drawn, at most ``samples``.
        samples: How many there are.
        passed: How many of them pass.

    Example:
        >>> pass_at(2, samples=4, passed=1)
        0.5
    """
    if not 1 <= k <= samples or not 0 <= passed <= samples:
        raise ValueError(f"k={k} of {samples} samples, {passed} of which pass, cannot be drawn")
    return 1 - math.comb(samples - passed, k) / math.comb(samples, k)


def best_of(rewards: Sequence[float], values: Sequence[float]) -> float:
    """Return the value of the sample with the highest reward; of equal rewards the first counts.

    Example:
        >>> best_of(rewards=[0.2, 0.9, 0.5], values=[0.1, 0.7, 0.8])
        0.7
    """
    if not rewards or len(rewards) != len(values):
        raise ValueError(f"{len(rewards)} rewards and {len(values)} values; expected as many, and at least one")
    return values[max(range(len(rewards)), key=rewards.__getitem__)]


def drift(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> Mapping[str, float]:
    """Return how far a model has moved, from the log-probabilities that two states give to the same responses.

    The responses must be samples of the first state, such as the trained model. Both estimates are of the divergence of
    the first from the second state, per token: ``kl`` is the plain mean of the differences, ``kl_k3`` the mean of
    exp(d) - 1 - d with d = second - first, which is never below 0 and varies less.

    Args:
        first: For each response the log-probability of each token under the state that wrote it.
        second: Likewise under the other state.

    Raises:
        ValueError: The two do not belong to the same tokens, or there are none.
    """
    if len(first) != len(second) or any(len(a) != len(b) for a, b in zip(first, second, strict=True)):
        raise ValueError("the log-probabilities do not belong to the same tokens")
    difference = np.array([b - a for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True)])
    if not len(difference):
        raise ValueError("there are no log-probabilities")
    return {
        "kl": float(-difference.mean()),
        "kl_k3": float((np.expm1(difference) - difference).mean()),
        "kl_response": float(-difference.sum() / len(first)),
    }


def length_drift(first: Sequence[int], second: Sequence[int]) -> Mapping[str, float]:
    """Return how the lengths of two states' responses compare, in tokens or any other unit.

    Args:
        first: Lengths of the one.
        second: Lengths of the other, to the same prompts in the same order.

    Example:
        >>> length_drift([100, 100], [110, 130])
        {'mean': 20.0, 'ratio': 1.2, 'longer': 1.0}
    """
    if not first or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} lengths; expected as many, and at least one")
    one, other = np.asarray(first, float), np.asarray(second, float)
    total = float(one.sum())
    return {
        "mean": float((other - one).mean()),
        "ratio": float(other.sum()) / total if total else math.inf,
        "longer": float((other > one).mean()),
    }


def _embeddings(values: Array) -> Array:
    found = np.asarray(values, np.float64)
    if found.ndim != 2 or len(found) < 2:
        raise ValueError(f"embeddings of shape {list(found.shape)}; expected [at least 2, D]")
    return found
