"""The judge: an exact expectation, a bounded error, and no fault that becomes a 0, against a server of the protocol."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from math import exp, log
from pathlib import Path
from typing import Any

import pytest
from chat_server import Body, ChatServer, chatting
from PIL import Image

from vincicoder import RewardRequest, VisualReward
from vincicoder.errors import ConfigError, FaultyAnswer
from vincicoder.reward.components import load_component
from vincicoder.reward.components.judge import expected_score, severity_of

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="{}" height="40" fill="red"/></svg>'
TARGET, RENDER = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
DIGITS = {"0": 0.01, "1": 0.02, "2": 0.03, "3": 0.04, "4": 0.3, "5": 0.5}
EXPECTED = sum(int(digit) * each for digit, each in DIGITS.items()) / (5 * sum(DIGITS.values()))


def first_token(masses: dict[str, float]) -> dict[str, Any]:
    likeliest = [{"token": token, "logprob": log(each)} for token, each in masses.items()]
    return {"message": {"content": "5"}, "logprobs": {"content": [{"token": "5", "top_logprobs": likeliest}]}}


def judged(server: ChatServer, **options: Any) -> float:
    judge = load_component("judge", {"url": server.url, "model": "judge", "tries": 1, **options})
    assert judge.stage == "endpoint"
    return asyncio.run(judge.measure(TARGET, RENDER, "svg"))


def test_the_score_is_the_expectation_over_the_digits_whatever_else_may_be_said() -> None:
    with chatting(lambda _: first_token({**DIGITS, "The": 0.1})) as server:
        assert judged(server) == pytest.approx(EXPECTED)
        [request] = server.requests
    assert (request["max_tokens"], request["temperature"], request["logprobs"]) == (1, 0.0, True)
    target, render, text = request["messages"][0]["content"]
    assert target != render
    assert "svg code" in text["text"]


def test_digits_with_a_space_count_as_the_digit() -> None:
    tokens = [("5", log(0.4)), (" 5", log(0.4)), ("4", log(0.2))]
    assert expected_score(tokens, 0.1, 1.0) == pytest.approx((0.8 * 5 + 0.2 * 4) / 5)


def test_with_token_ids_all_digits_are_asked_for_and_must_come() -> None:
    ids = [15, 16, 17, 18, 19, 20]
    with chatting(lambda _: first_token(DIGITS)) as server:
        assert judged(server, token_ids=ids) == pytest.approx(EXPECTED)
        assert server.requests[0]["logprob_token_ids"] == ids
    with (
        chatting(lambda _: first_token({"5": 0.9, "4": 0.1})) as server,
        pytest.raises(FaultyAnswer, match=r"names only the digits 4, 5; are token_ids right"),
    ):
        judged(server, token_ids=ids)


def test_what_hidden_digits_could_change_is_bounded_and_no_more_than_allowed() -> None:
    named = {"5": 0.9, "4": 0.05, "The": 0.03}  # 0.02 is hidden, and no hidden token has more than 0.03
    tokens = [(token, log(each)) for token, each in named.items()]
    true_score = expected_score([*tokens, ("0", log(0.02))], 0.1, 1.0)
    score = expected_score(tokens, 0.1, 1.0)
    assert 0.02 < score - true_score < 0.021
    with pytest.raises(FaultyAnswer, match=r"may be off by 0\.020, over 0\.02"):
        expected_score(tokens, 0.1, 0.02)
    assert expected_score(tokens, 0.1, 0.021) == score


def test_a_judge_that_begins_with_a_word_has_not_answered() -> None:
    with pytest.raises(FaultyAnswer, match="does not begin with a digit from 0 to 5 but with 'The'"):
        expected_score([("The", log(0.95)), ("5", log(0.05))], 0.1, 1.0)
    with pytest.raises(FaultyAnswer, match="but with nothing"):
        expected_score([], 0.1, 1.0)


def test_severities_are_summed_and_turned_into_a_score() -> None:
    differences = json.dumps([{"what": "title", "severity": 7}, {"what": "hue", "severity": 3}])
    with chatting(lambda _: f"```json\n{differences}\n```") as server:
        assert judged(server, mode="discrepancies") == pytest.approx(0.8)
        assert judged(server, mode="discrepancies", scale=5) == 0.0
    with chatting(lambda _: "[]") as server:
        assert judged(server, mode="discrepancies") == 1.0


@pytest.mark.parametrize(
    "answer", ["none", '[{"what": "x"}]', '[{"severity": 11}]', '[{"severity": NaN}]', "[" * 10**5, "[1]", "{}"]
)
def test_a_list_that_cannot_be_read_is_no_score(answer: str) -> None:
    with pytest.raises(FaultyAnswer):
        severity_of(answer)


def test_the_same_images_and_question_are_asked_once() -> None:
    with chatting(lambda _: first_token(DIGITS)) as server:
        judge = load_component("judge", {"url": server.url, "model": "judge"})
        for render, language in ((RENDER, "svg"), (RENDER, "svg"), (TARGET, "svg"), (RENDER, "html")):
            asyncio.run(judge.measure(TARGET, render, language))
        assert len(server.requests) == 3


def test_the_prompt_is_a_file_that_users_replace(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Rate this {language} from 0 to 5.")
    with chatting(lambda _: first_token(DIGITS)) as server:
        judged(server, prompt=str(tmp_path / "mine.txt"))
        assert server.requests[0]["messages"][0]["content"][-1]["text"] == "Rate this svg from 0 to 5."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "m"}, "must be told its url"),
        ({"mode": "vote"}, "mode is 'vote'; expected 'score' or 'discrepancies'"),
        ({"prompt": "/no/such/prompt.txt"}, "'/no/such/prompt.txt' cannot be read"),
        ({"token_ids": [1, 2]}, r"token_ids is \[1, 2\]; expected 6 numbers"),
        ({"scale": 0}, "scale is 0"),
        ({"modle": "m"}, "modle.*did you mean 'mod"),
    ],
)
def test_a_wrong_option_is_an_error_at_the_start(options: dict[str, Any], said: str) -> None:
    given = {"url": "http://localhost:1/v1", "model": "judge", **options}
    if options == {"model": "m"}:
        del given["url"]
    with pytest.raises(ConfigError, match=said):
        load_component("judge", given)


def slow(_: Body) -> dict[str, Any]:
    time.sleep(3)
    return first_token(DIGITS)


FAULTS: dict[str, Callable[[Body], Any]] = {
    "refused": lambda _: 400,
    "failing": lambda _: 500,
    "no logprobs": lambda _: "5",
    "a word": lambda _: first_token({"The": 0.99, "5": 0.01}),
    "impossible": lambda _: first_token({"5": exp(2)}),
    "slow": slow,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_judge_is_the_machines_and_never_a_0(fault: str) -> None:
    request = RewardRequest(f"```svg\n{SVG.format(40)}\n```", TARGET, language="svg")
    with chatting(FAULTS[fault]) as server:
        options = {"url": server.url, "model": "judge", "tries": 1, "timeout": 1, "weight": 1.0}
        with VisualReward("embedded", workers=1, components={"judge": options}) as reward:
            [result] = reward.score([request])
    assert result.status == "infrastructure"
    assert "judge" in result.message


def test_the_reward_asks_for_each_rendered_answer_and_weighs_what_it_hears() -> None:
    requests = [RewardRequest(f"```svg\n{SVG.format(width)}\n```", TARGET, language="svg") for width in (10, 20, 30)]
    requests.append(RewardRequest("no code", TARGET, language="svg"))
    with chatting(lambda _: first_token(DIGITS)) as server:
        components = {"judge": {"url": server.url, "model": "judge", "weight": 1.0}, "paper": 0.0}
        with VisualReward("embedded", workers=1, components=components) as reward:
            results = reward.score(requests)
        assert len(server.requests) == 3
    assert [result.visual for result in results] == pytest.approx([EXPECTED] * 3 + [0.0])
