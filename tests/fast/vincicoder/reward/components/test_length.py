"""The component `length`: code may be twice as long as the reference, and five times is worth nothing."""

from __future__ import annotations

import pytest

from vincicoder.errors import ConfigError
from vincicoder.reward.components import load_component
from vincicoder.reward.components.length import Length


@pytest.mark.parametrize(
    ("ratio", "score"), [(0.0, 1), (0.5, 1), (1, 1), (2, 1), (2.6, 0.8), (3.5, 0.5), (4.7, 0.1), (5, 0), (5000, 0)]
)
def test_the_score_falls_evenly_from_twice_to_five_times_the_reference(ratio: float, score: float) -> None:
    assert Length()("x" * round(ratio * 1000), "y" * 1000) == pytest.approx(score)


def test_both_ends_are_options() -> None:
    assert Length(full=1, zero=3)("x" * 20, "y" * 10) == pytest.approx(0.5)
    assert load_component("length", {"full": "1", "zero": 3}).measure("x" * 20, "y" * 10) == pytest.approx(0.5)


@pytest.mark.parametrize("options", [{"full": 5}, {"full": 0}, {"zero": 1}, {"zero": "inf"}, {"full": "nan"}])
def test_ends_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="length"):
        load_component("length", options)


@pytest.mark.parametrize(("reference", "applies"), [(None, False), ("", False), (" \n", False), ("<svg/>", True)])
def test_it_applies_where_there_is_a_reference(reference: str | None, applies: bool) -> None:
    assert Length().applies(reference) is applies


def test_space_around_the_code_counts_on_neither_side() -> None:
    assert Length()("x" * 10 + " " * 1000, "y" * 10) == Length()("x" * 10, "y" * 10 + "\n" * 1000) == 1
    assert Length()("x" * 50, "y" * 10 + "\n" * 1000) == 0
