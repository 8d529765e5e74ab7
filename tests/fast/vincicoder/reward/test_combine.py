"""Scores to rewards: a pure function, and what services are keyed by."""

from __future__ import annotations

import pytest

from vincicoder.options import digest_values, from_flat
from vincicoder.reward import RewardRequest, RewardResult
from vincicoder.reward.combine import combine, measuring, options_of, rewarded, weights_of
from vincicoder.reward.config import RewardConfig, ScoringConfig
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


def test_services_are_keyed_by_what_runs_and_not_by_weights() -> None:
    def key(**options: object) -> dict[str, object]:
        return digest_values(measuring(from_flat(RewardConfig, options)))

    assert key() == key(alignment_weight=0.5) == key(components={"paper": 0.3})
    assert key(components={"text": 0.5}) == key(components={"text": {"weight": 2, "log": True}}, alignment_weight=0)
    assert key() != key(coarse_weight=0.5)
    assert key() != key(components={"text": 0.5})
    assert key() != key(components={"paper": 0, "text": 0.5})


def test_a_result_of_another_process_is_weighed_by_who_asked() -> None:
    request = RewardRequest("", b"")
    result = RewardResult.failed(request, Status.OK, "", scores=SCORES)
    mine = rewarded(result, ScoringConfig(alignment_weight=0.5))
    assert (mine.overall, mine.visual) == (0.8, 0.6)
    assert mine.scores == result.scores
