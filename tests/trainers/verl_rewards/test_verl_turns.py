"""``main_ppo`` of verl with the tool ``render``: a policy that looks at what it draws, and draws it again."""

from __future__ import annotations

import re
from statistics import fmean

import pytest
from needed import needs_release
from repository import ROOT
from taught_turns import CALLS, called_turns, make_taught_turns
from verl_runs import SCORING, dumped, logged, requests_of, scored, train

from vincicoder.trainers.turns import answer_of_call

pytestmark = [pytest.mark.verl, pytest.mark.slow, pytest.mark.timeout(1200)]

needs_release("verl", 0, 9)

NOISE = 0.005
CALL = re.compile(r"<tool_call>\s*\{\"name\": \"(\w+)\", \"arguments\": (.*?)\}\s*</tool_call>", re.DOTALL)
RENDERED = re.compile(r"\ntool\n(?:This is what your|Your) code .*?\nassistant\n", re.DOTALL)


def turns_of(output: str) -> list[str]:
    """Return what each turn answered, from the text that verl wrote down: the code of a call, else what was said."""
    answers = []
    for text in RENDERED.split(output):
        calls = [answer_of_call(name, arguments) for name, arguments in CALL.findall(text)]
        answers.append(next(filter(None, calls), text))
    return answers


def test_two_turns_earn_what_the_dumped_turns_do(tmp_path):
    from verl_rewards.vincicoder_render import _SCHEMA

    policy = make_taught_turns(tmp_path / "policy", "qwen3_vl", called_turns(), CALLS, [_SCHEMA])
    tools = tmp_path / "tools.yaml"
    ours = (ROOT / "verl_rewards" / "vincicoder_render.yaml").read_text()
    tools.write_text(ours + "".join(f"      {name}: {value}\n" for name, value in SCORING.items()))
    rollouts = tmp_path / "rollouts"
    multi_turn = "actor_rollout_ref.rollout.multi_turn"
    log = train(
        *(tmp_path, policy, "trainer.total_training_steps=1", f"trainer.rollout_data_dir={rollouts}"),
        *("actor_rollout_ref.rollout.agent.default_agent_loop=tool_agent", f"{multi_turn}.enable=true"),
        *(f"{multi_turn}.max_assistant_turns=2", f"{multi_turn}.max_tool_response_length=1024"),
        f"{multi_turn}.tool_config_path={tools}",
        tokens=(1024, 400),
    )
    samples = dumped(rollouts)
    assert len(samples) == 8
    turns = [turns_of(each["output"]) for each in samples]
    assert any(len(each) == 2 for each in turns)
    requests = requests_of(
        [{**each, "output": text} for each, texts in zip(samples, turns, strict=True) for text in texts]
    )
    results = iter(scored(requests))
    rewards = [[next(results).overall for _ in texts] for texts in turns]
    earned = [each[-1] if len(each) < 2 or each[-2] - each[-1] <= NOISE else 0.0 for each in rewards]
    assert [each["score"] for each in samples] == pytest.approx(earned, abs=1e-5)
    assert any(earned)
    expected = {
        "overall": earned,
        "turn/first": [each[0] for each in rewards],
        "turn/last": [each[-1] for each in rewards],
    }
    expected |= {
        "turn/2/share": [len(each) == 2 for each in rewards],
        "turn/2/gain": [each[-1] - each[0] for each in rewards],
    }
    expected |= {"turn/2/worse": [each[-1] - each[0] < -NOISE for each in rewards]}
    for name, values in expected.items():
        assert logged(log, f"vincicoder/{name}") == [pytest.approx(fmean(values), abs=1e-4)], name
