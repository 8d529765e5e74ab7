"""What component scores depend on: weights are no part of it, components and their options are."""

from __future__ import annotations

import pytest

from vincicoder.options import from_flat
from vincicoder.reward.config import RewardConfig
from vincicoder.reward.settings import reweighed, settings_of


def config(**options: object) -> RewardConfig:
    return from_flat(RewardConfig, {"encoder": "embedded", **options})


@pytest.mark.parametrize(
    "options",
    [
        {"components": {"paper": 0.5}},
        {"alignment_weight": 0.4},
        {"components": {"stretched": 0.0, "hog": 3}, "preset": "robust"},
        {"components": {"paper": "linear 0 1 100"}},
    ],
)
def test_scores_of_robust_are_good_for_other_weights(options: dict[str, object]) -> None:
    assert settings_of(config(**options)).refused(settings_of(config(preset="robust")).values) == {}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"preset": "robust"}, "component hog"),
        ({"guards": []}, "guards"),
        ({"components": {"stretched": {"weight": 1, "coarse_weight": 0.5}}}, "component stretched"),
        ({"encoder": "strokes"}, "name"),
    ],
)
def test_what_was_not_measured_is_refused_by_name(options: dict[str, object], name: str) -> None:
    refused = settings_of(config(**options)).refused(settings_of(config()).values)
    assert name in refused or (name == "name" and len(refused) == 1)


def test_an_earlier_result_is_weighed_as_a_fresh_one_would_be() -> None:
    record = {"scores": {"paper": 0.5, "alignment": 1.0}, "status": "ok", "overall": 0.1, "visual": 0.1, "line": 3}
    found = reweighed(record, config(alignment_weight=0.2).scoring)
    assert found == {**record, "overall": pytest.approx(0.6), "visual": 0.5, "preset": "paper"}
    assert reweighed({**record, "status": "blank"}, config().scoring)["visual"] == 0
    rising = config(components={"paper": "linear 0 1 100", "hog": 1.0}).scoring
    both = {**record, "scores": {"paper": 0.5, "hog": 0.0, "alignment": 1.0}}
    assert reweighed(both, rising, step=0)["visual"] == 0
    assert reweighed(both, rising, step=100)["visual"] == 0.25
