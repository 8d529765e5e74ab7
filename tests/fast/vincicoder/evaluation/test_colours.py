"""CIEDE2000 on colours whose difference is known, and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest

from vincicoder.evaluation.metrics._colours import difference, similarity

COLOURS = [[0, 0, 0], [255, 255, 255], [128, 128, 128], [255, 0, 0], [0, 0, 255], [3, 250, 120]]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # made with colormath, which the official implementations use
        ((0, 0, 0), (255, 255, 255), 99.99998490203575),
        ((255, 0, 0), (0, 0, 255), 52.88009898346556),
        ((255, 0, 0), (128, 128, 128), 31.1977386476777),
        ((30, 60, 90), (33, 60, 90), 0.7543304565048334),
        ((10, 200, 30), (200, 10, 230), 103.25231102321504),
    ],
)
def test_known_differences(first, second, expected):
    assert difference([first], [second])[0, 0] == pytest.approx(expected, abs=1e-9)


def test_a_colour_is_like_itself_and_each_pair_is_symmetric():
    alike = similarity(COLOURS, COLOURS)
    assert np.diag(alike) == pytest.approx(1)
    assert alike == pytest.approx(alike.T)


def test_likeness_never_falls_below_0():
    assert similarity([[10, 200, 30]], [[200, 10, 230]]) == 0
