"""``main_ppo`` of verl with ranks in groups: rewards are what a judge says of the responses that verl wrote down."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean

import pair_judge
import pytest
from chat_server import chatting
from needed import needs_release
from verl_runs import dumped, logged, requests_of, scored, train

from vincicoder.reward.pairwise import PairJudge

pytestmark = [pytest.mark.verl, pytest.mark.slow, pytest.mark.timeout(1800)]

needs_release("verl", 0, 9)


def test_rewards_are_the_ranks_of_the_dumped_responses_and_a_validation_is_not_ranked(tmp_path, taught_policy):
    rollouts, checks = tmp_path / "rollouts", tmp_path / "validation"
    with chatting(pair_judge.judge) as server:
        log = train(
            *(tmp_path, taught_policy("qwen3_vl"), "trainer.total_training_steps=1", "trainer.test_freq=1"),
            *(f"trainer.rollout_data_dir={rollouts}", f"trainer.validation_data_dir={checks}"),
            rank=f"{{url:'{server.url}',model:judge,pairs:8}}",
        )
        trained, validated = dumped(rollouts), dumped(checks)
        groups = defaultdict(list)
        for each in trained:
            groups[each["uid"].split("_")[0]].append(each)
        assert [len(group) for group in groups.values()] == [4, 4]
        judge = PairJudge(server.url, "judge", pairs=8)
        unranked = []
        for group in groups.values():
            requests = requests_of(group)
            results = scored(requests, keep_renders="all")
            expected = judge.rank_group(requests, results).rewards
            assert [each["score"] for each in group] == pytest.approx(expected, abs=1e-5)
            unranked += [result.overall for result in results]
    expected = [result.overall for result in scored(requests_of(validated))]
    assert [each["score"] for each in validated] == pytest.approx(expected, abs=1e-5)
    assert logged(log, "vincicoder/rank/unranked") == [pytest.approx(fmean(unranked), abs=1e-4)]
    assert logged(log, "vincicoder/rank/incomplete_group") == [0]
    assert logged(log, "vincicoder/rank/pairs")[0] > 0, "the judge was asked"
