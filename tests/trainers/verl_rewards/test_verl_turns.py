"""``main_ppo`` of verl with the tool ``render``: a policy that looks at what it draws, and draws it again."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from needed import needs_release
from repository import ROOT
from taught_turns import CALLS, called_turns, make_taught_turns
from taught_vlm import PROMPT, TARGET

from vincicoder import RewardRequest, VisualReward
from vincicoder.trainers.turns import answer_of_call

pytestmark = [pytest.mark.verl, pytest.mark.slow, pytest.mark.timeout(1200)]

needs_release("verl", 0, 9)

_spec = importlib.util.spec_from_file_location("verl_step", Path(__file__).with_name("test_verl_step.py"))
assert _spec is not None and _spec.loader is not None
verl_step = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(verl_step)
parquet = verl_step.parquet

NOISE = 0.005
CALL = re.compile(r"<tool_call>\s*\{\"name\": \"(\w+)\", \"arguments\": (.*?)\}\s*</tool_call>", re.DOTALL)


def turns_of(output: str) -> list[str]:
    """Return what each turn answered, from the text that verl wrote down."""
    calls = [answer for name, arguments in CALL.findall(output) if (answer := answer_of_call(name, arguments))]
    rest = CALL.split(output)[-1].strip()
    return [*calls, rest] if rest else calls


def test_two_turns_earn_what_the_dumped_turns_do(tmp_path, parquet):
    from verl_rewards.vincicoder_render import _SCHEMA

    policy = make_taught_turns(tmp_path / "policy", "qwen3_vl", called_turns(), CALLS, [_SCHEMA])
    tools = tmp_path / "tools.yaml"
    tools.write_text(
        (ROOT / "verl_rewards" / "vincicoder_render.yaml").read_text()
        + "      encoder: embedded\n      workers: 1\n      wall_seconds: 240\n"
    )
    rollouts = tmp_path / "rollouts"
    multi_turn = "actor_rollout_ref.rollout.multi_turn"
    verl_step.train(
        *(
            tmp_path,
            policy,
            parquet,
            "trainer.total_training_steps=1",
            f"trainer.rollout_data_dir={rollouts}",
        ),
        *("actor_rollout_ref.rollout.agent.default_agent_loop=tool_agent", f"{multi_turn}.enable=true"),
        *(f"{multi_turn}.max_assistant_turns=2", f"{multi_turn}.max_tool_response_length=1024"),
        "+reward.reward_kwargs.wall_seconds=240",
        *(f"{multi_turn}.tool_config_path={tools}", "data.max_response_length=400", "data.max_prompt_length=1024"),
    )
    samples = verl_step.dumped(rollouts)
    assert len(samples) == 8
    turns = [turns_of(each["output"]) for each in samples]
    assert any(len(each) == 2 for each in turns)
    with VisualReward("embedded", workers=1, wall_seconds=240) as reward:
        rewards = [
            [r.overall for r in reward.score([RewardRequest(t, TARGET, PROMPT) for t in each])] for each in turns
        ]
    earned = [each[-1] if len(each) < 2 or each[-2] - each[-1] <= NOISE else 0.0 for each in rewards]
    assert [each["score"] for each in samples] == pytest.approx(earned, abs=1e-5)
    assert max(earned) > 0.5
