"""Scores to rewards: a pure function, and what services are keyed by."""

from __future__ import annotations

import pytest

from vincicoder.options import digest_values, from_flat
from vincicoder.reward import RewardRequest, RewardResult
from vincicoder.reward.combine import combine, measuring, options_of, rewarded, visual_of, weights_of
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.reward.presets import PRESETS, Preset
from vincicoder.status import Status

SCORES = {"paper": 0.6, "alignment": 1.0, "execution": 1.0, "coarse": 0.5, "fine": 0.7}


def test_the_paper_weighs_its_visual_score_by_nine_tenths() -> None:
    assert combine(SCORES, Status.OK, ScoringConfig()) == (0.9 * 0.6 + 0.1 * 1.0, 0.6)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_no_status_but_ok_has_a_visual_score(status: Status) -> None:
    assert combine(SCORES, status, ScoringConfig()) == (0.1, 0.0)


def test_what_does_not_apply_is_left_out_of_the_mean() -> None:
    config = ScoringConfig(components={"text": 0.5})
    assert combine({**SCORES, "text": 0.0}, Status.OK, config).visual == pytest.approx(0.4)
    assert combine({**SCORES, "text": None}, Status.OK, config).visual == pytest.approx(0.6)


def test_the_step_changes_nothing_while_weights_are_constant() -> None:
    assert combine(SCORES, Status.OK, ScoringConfig(), step=1000) == combine(SCORES, Status.OK, ScoringConfig())


def test_weight_zero_switches_off_and_log_keeps_running() -> None:
    assert weights_of(ScoringConfig(components={"paper": 0, "text": 1})) == {"text": 1.0}
    assert weights_of(ScoringConfig(components={"text": {"log": True}})) == {"paper": 1.0, "text": 0.0}
    assert options_of(ScoringConfig(components={"text": {"weight": 1, "case": False}}, coarse_weight=0.5)) == {
        "paper": {"coarse_weight": 0.5},
        "text": {"case": False},
    }


def test_the_geometric_mean_weighs_exponents_and_its_floor_keeps_one_zero_from_hiding_all_else() -> None:
    rule, weights = Preset({}, floor=0.01), {"hog": 1.0, "text": 3.0}
    assert visual_of({"hog": 0.5, "text": 0.5}, weights, rule) == pytest.approx(0.5)
    assert visual_of({"hog": 1.0, "text": 0.16}, weights, rule) == pytest.approx(0.16**0.75)
    assert visual_of({"hog": 0.16, "text": 0.0}, weights, rule) == pytest.approx(0.16**0.25 * 0.01**0.75)
    assert visual_of({"hog": 0.0, "text": 0.0}, weights, rule) == pytest.approx(0.01)
    assert visual_of({"hog": 1.0, "text": 1.0}, weights, rule) == 1


@pytest.mark.parametrize("rule", [Preset({}), Preset({}, floor=0.01, caps={"text": 0.25})])
def test_what_does_not_apply_has_no_part_in_either_mean(rule: Preset) -> None:
    weights = {"hog": 1.0, "text": 3.0, "length": 0.0}
    assert visual_of({"hog": 0.3, "text": None, "length": 0.1}, weights, rule) == pytest.approx(0.3)
    assert visual_of({"hog": None, "text": 0.7}, weights, rule) == pytest.approx(0.7)
    assert visual_of({"hog": None, "text": None}, weights, rule) == visual_of({}, weights, rule) == 0


def test_what_a_score_is_below_its_knee_counts_so_many_times() -> None:
    rule, weights = Preset({}, floor=0.01, knees={"values": (0.4, 3)}), {"hog": 1.0, "values": 1.0}
    assert visual_of({"hog": 1.0, "values": 0.4}, weights, rule) == pytest.approx(0.4**0.5)
    assert visual_of({"hog": 1.0, "values": 0.2}, weights, rule) == pytest.approx((0.4 * 0.5**3) ** 0.5)
    assert visual_of({"hog": 1.0, "values": 0.0}, weights, rule) == pytest.approx((0.4 * (0.01 / 0.4) ** 3) ** 0.5)
    assert visual_of({"hog": 0.2, "values": 1.0}, weights, rule) == pytest.approx(0.2**0.5)
    arithmetic = Preset({}, knees=rule.knees)
    assert visual_of({"hog": 1.0, "values": 0.0}, weights, arithmetic) == pytest.approx(0.5)


def test_a_cap_is_measured_from_what_the_others_count_below_their_knees() -> None:
    rule = Preset({}, floor=0.01, knees={"values": (0.4, 2)}, caps={"text": 0.25})
    scores, weights = {"values": 0.2, "text": 1.0}, {"values": 1.0, "text": 1.0}
    assert visual_of(scores, weights, rule) == pytest.approx((0.1 * 0.35) ** 0.5)


def test_a_capped_score_counts_only_so_much_more_than_the_mean_of_the_others() -> None:
    rule, weights = Preset({}, floor=0.01, caps={"text": 0.25}), {"hog": 1.0, "length": 1.0, "text": 2.0}
    others = {"hog": 0.09, "length": 0.16}  # their mean is 0.12
    assert visual_of({**others, "text": 1.0}, weights, rule) == pytest.approx((0.12 * 0.37) ** 0.5)
    assert visual_of({**others, "text": 0.37}, weights, rule) == pytest.approx((0.12 * 0.37) ** 0.5)
    assert visual_of({**others, "text": 0.2}, weights, rule) == pytest.approx((0.12 * 0.2) ** 0.5)
    assert visual_of({"hog": 0.9, "length": 0.9, "text": 1.0}, weights, rule) == pytest.approx(0.9**0.5)


def test_a_cap_is_not_lifted_by_components_that_look_at_the_code_alone() -> None:
    rule, weights = (
        Preset({}, floor=0.01, caps={"text": 0.25}, of_code=("length",)),
        {"hog": 1.0, "length": 1.0, "text": 2.0},
    )
    scores = {"hog": 0.04, "length": 1.0, "text": 1.0}
    assert visual_of(scores, weights, rule) == pytest.approx((0.04 * 0.29**2) ** 0.25)
    assert visual_of({"length": 0.5, "text": 0.9}, weights, rule) == pytest.approx((0.5 * 0.9**2) ** (1 / 3))
    assert "length" in PRESETS["robust"].of_code, "a text over a plain page is short"


def test_robust_is_the_geometric_mean_of_what_it_weighs_and_logs_the_papers_score() -> None:
    config = ScoringConfig(preset="robust")
    weights = weights_of(config)
    assert weights == PRESETS["robust"].weights
    scores = {**SCORES, **dict.fromkeys(weights, 0.4), "stretched": 0.5}
    heavy = weights["stretched"] / sum(weights.values())
    assert combine(scores, Status.OK, config).visual == pytest.approx(0.5**heavy * 0.4 ** (1 - heavy))
    assert combine({**scores, "paper": 0.9}, Status.OK, config) == combine(scores, Status.OK, config)
    assert combine(scores, Status.TIMEOUT, config) == (0.1, 0.0)


def test_what_a_preset_only_logs_can_be_switched_off_or_given_a_weight() -> None:
    def running(change: object) -> dict[str, float]:
        return weights_of(ScoringConfig(preset="robust", components={"paper": change}))

    assert running({"coarse_weight": 0.5})["paper"] == 0
    assert running(0.5)["paper"] == running({"weight": 0.5})["paper"] == 0.5
    assert "paper" not in {**running(0), **running({"weight": 0}), **running({"log": False})}


def test_services_are_keyed_by_what_runs_and_not_by_weights() -> None:
    def key(**options: object) -> dict[str, object]:
        return digest_values(measuring(from_flat(RewardConfig, options)))

    assert key() == key(alignment_weight=0.5) == key(components={"paper": 0.3})
    assert key(components={"text": 0.5}) == key(components={"text": {"weight": 2, "log": True}}, alignment_weight=0)
    assert key() != key(coarse_weight=0.5)
    assert key() != key(components={"text": 0.5})
    assert key() != key(components={"paper": 0, "text": 0.5})
    assert key() != key(preset="robust")
    assert key(preset="robust") == key(components=dict.fromkeys(PRESETS["robust"].weights, 1))


def test_a_result_of_another_process_is_weighed_by_who_asked() -> None:
    request = RewardRequest("", b"")
    result = RewardResult.failed(request, Status.OK, "", scores=SCORES)
    mine = rewarded(result, ScoringConfig(alignment_weight=0.5))
    assert (mine.overall, mine.visual) == (0.8, 0.6)
    assert mine.scores == result.scores
