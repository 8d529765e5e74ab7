"""Which things of one image are those of another: a greedy choice of pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_matches(worth: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """Return the rows and columns that a greedy choice pairs, the highest value first, each used once.

    Args:
        worth: What each pair is worth, shape ``[rows, columns]``; pairs of 0 and less are never made.

    Example:
        >>> best_matches(np.array([[0.5, 0.9], [0.0, 0.8]]))
        ([0], [1])
    """
    rows, columns = np.nonzero(worth > 0)
    order = np.argsort(-worth[rows, columns], kind="stable")
    row_left, column_left = [True] * worth.shape[0], [True] * worth.shape[1]
    matched: tuple[list[int], list[int]] = [], []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row_left[row] and column_left[column]:
            row_left[row] = column_left[column] = False
            matched[0].append(row)
            matched[1].append(column)
            if len(matched[0]) == min(worth.shape):
                break
    return matched
