"""``main_ppo`` of verl with ranks in groups: rewards are what a judge says of the responses that verl wrote down."""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from pathlib import Path

import pair_judge
import pytest
from chat_server import chatting
from needed import needs_release
from taught_vlm import PROMPT, TARGET

from vincicoder import RewardRequest, VisualReward
from vincicoder.reward.pairwise import PairJudge

pytestmark = [pytest.mark.verl, pytest.mark.slow, pytest.mark.timeout(1800)]

needs_release("verl", 0, 9)

_spec = importlib.util.spec_from_file_location("verl_step", Path(__file__).with_name("test_verl_step.py"))
assert _spec is not None and _spec.loader is not None
verl_step = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(verl_step)
parquet = verl_step.parquet


def test_rewards_are_the_ranks_of_the_dumped_responses_and_a_validation_is_not_ranked(tmp_path, taught_policy, parquet):
    rollouts, checks = tmp_path / "rollouts", tmp_path / "validation"
    with chatting(pair_judge.judge) as server:
        rank = f"+reward.reward_kwargs.rank={{url:'{server.url}',model:judge,pairs:8}}"
        log = verl_step.train(
            *(tmp_path, taught_policy("qwen3_vl"), parquet, "trainer.total_training_steps=1", "trainer.test_freq=1"),
            *(f"trainer.rollout_data_dir={rollouts}", f"trainer.validation_data_dir={checks}", rank),
            "+reward.reward_kwargs.wall_seconds=240",
        )
        trained, validated = verl_step.dumped(rollouts), verl_step.dumped(checks)
        groups = defaultdict(list)
        for each in trained:
            groups[each["uid"].split("_")[0] if "uid" in each else each["input"]].append(each)
        assert [len(group) for group in groups.values()] == [4, 4]
        judge = PairJudge(server.url, "judge", pairs=8)
        with VisualReward("embedded", workers=1, wall_seconds=240) as reward:
            for group in groups.values():
                requests = [RewardRequest(each["output"], TARGET, PROMPT) for each in group]
                results = reward.score(requests)
                expected = judge.rank_group(requests, results).rewards
                assert [each["score"] for each in group] == pytest.approx(expected, abs=1e-5)
            requests = [RewardRequest(each["output"], TARGET, PROMPT) for each in validated]
            expected = [result.overall for result in reward.score(requests)]
    assert [each["score"] for each in validated] == pytest.approx(expected, abs=1e-5)
    assert re.search(r"vincicoder/rank/incomplete_group:0\.0", log)
    assert not re.search(r"vincicoder/rank/pairs:0\.0\D", log), "the judge was asked"
