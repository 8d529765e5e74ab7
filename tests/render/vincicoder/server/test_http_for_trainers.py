"""``/slime`` and ``/openrlhf``: exactly what the trainers' clients send, and what they must get."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

import pytest
from repository import ROOT
from scored_groups import expected, svg, target
from served import SAMPLE, TOKEN, served

from vincicoder import RewardRequest
from vincicoder.errors import ConfigError, ScoringUnavailable
from vincicoder.server.client import HttpReward

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra 'serve' is not installed")

IMAGE = base64.b64encode(target(3)).decode()
LABEL = json.dumps({"language": "svg", "code": "<svg/>", "target": IMAGE})
PROMPT = "<|user|><|image_pad|>Write SVG:\n```svg\n<svg/>\n```<|assistant|>\n"
SEEN = PROMPT.replace("<|image_pad|>", "<|image_pad|>" * 40)
"""The prompt as it is when a VLM's tokens are decoded."""
RESPONSES = [svg(9), "no code", svg(20), "```svg\n<svg <\n```", svg(3)]


@pytest.fixture(scope="module")
def client():
    """A server whose Python is broken, so that the machine fails with Python, and with nothing else."""
    with served("--python", "/bin/false") as client:
        yield client


@pytest.fixture(scope="module")
def rewards():
    requests = [RewardRequest(each, target(3), language="svg", reference="<svg/>") for each in RESPONSES]
    return [each[0] for each in expected(requests)]


def slime(client, **fields):
    return client.ask("POST", "/slime", {"prompt": PROMPT, "response": svg(9), "label": LABEL} | fields)


def openrlhf(client, responses, prompts=None, labels=None):
    body = {
        "query": [f"{SEEN}{each}<|im_end|>" for each in responses],
        "prompts": [PROMPT] * len(responses) if prompts is None else prompts,
        "labels": [LABEL] * len(responses) if labels is None else labels,
    }
    return client.ask("POST", "/openrlhf", body)


def test_slime_gets_the_local_reward_and_only_finite_numbers(client, rewards):
    for response, reward in zip(RESPONSES, rewards, strict=True):
        status, text = slime(client, response=f"{response}<|im_end|>")
        answer = json.loads(text)
        assert (status, answer["overall"]) == (200, reward)
        assert all(isinstance(each, float) and math.isfinite(each) for each in answer.values())


def test_slime_may_send_messages_and_a_struct(client, rewards):
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Write SVG."}]}]
    status, text = slime(client, prompt=messages, label={"target": IMAGE})
    assert (status, json.loads(text)["overall"]) == (200, rewards[0]), "the prompt says the language"


def test_openrlhf_gets_lists_in_the_order_of_its_queries(client, rewards):
    status, text = openrlhf(client, RESPONSES)
    answer = json.loads(text)
    assert status == 200
    assert answer["rewards"] == answer["scores"] == answer["extra_logs"]["overall"] == rewards
    assert {len(each) for each in answer["extra_logs"].values()} == {len(RESPONSES)}
    assert answer["extra_logs"]["code_error"] == [0, 0, 0, 1, 0]


def test_openrlhf_with_several_servers_sends_some_of_them_nothing(client):
    status, text = openrlhf(client, [])
    assert (status, json.loads(text)) == (200, {"rewards": [], "scores": [], "extra_logs": {}})


def test_the_code_of_a_prompt_is_no_answer(client):
    assert json.loads(openrlhf(client, ["I cannot."])[1])["rewards"] == [0.0]


def test_a_machine_fault_is_an_error_and_never_a_reward(client):
    label = json.dumps({"language": "python", "target": IMAGE})
    answers = (
        slime(client, response="```python\nx\n```", label=label),
        openrlhf(client, [svg(9), "```python\nx\n```"], labels=[LABEL, label]),
    )
    for status, text in answers:
        assert status == 503
        assert "could not be scored because of this machine, not of the model" in text
        assert "did not start" in text
    [scored] = client.score(SAMPLE | {"language": "python", "response": "```python\nx\n```"})
    assert (scored["status"], scored["fault"]) == ("infrastructure", "machine")


def test_an_image_that_cannot_be_decoded_is_data(client):
    broken = base64.b64encode(target(3)[:60]).decode()
    status, text = slime(client, label=json.dumps({"target": broken, "language": "svg"}))
    answer = json.loads(text)
    assert (status, answer["overall"], answer["bad_target"]) == (200, 0, 1)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (None, "label has no target; expected JSON text such as"),
        ("42", "label has no target"),
        ("<svg/>", "label has no target"),
        ({"language": "svg"}, "label has no target"),
        ({"target": "/etc/passwd", "language": "svg"}, "label has a target that is no image"),
        ({"target": "chart.png", "language": "svg"}, "Files are not read: send their content"),
        ({"target": "file:///etc/passwd", "language": "svg"}, "label has a target that is no image"),
        ({"target": 5, "language": "svg"}, "label has a target that is no image"),
        ({"target": {"path": "/etc/passwd"}, "language": "svg"}, "label has a target that is no image"),
    ],
    ids=str,
)
def test_a_label_that_cannot_work_is_told_what_is_expected(client, label, said):
    status, text = slime(client, label=label)
    assert (status, said in text) == (422, True), text
    status, text = openrlhf(client, [svg(9)], labels=[label])
    assert (status, said.replace("label ", "labels[0] ") in text) == (422, True), text


def test_what_does_not_fit_together_is_refused(client):
    status, text = slime(client, prompt="Draw it.", label={"target": IMAGE})
    assert (status, "neither label nor the prompt says the language" in text) == (422, True)
    status, text = openrlhf(client, [svg(9)], prompts=[])
    assert (status, "[1, 0, 1] items; expected equally many" in text) == (422, True)
    status, text = openrlhf(client, [svg(9)], prompts=["another prompt altogether"])
    assert (status, "does not hold the end of prompts[0]" in text) == (422, True)
    status, text = client.ask("POST", "/slime", {"prompt": PROMPT, "response": svg(9)})
    assert (status, "Field required" in text) == (422, True)


@pytest.mark.parametrize("path", ["/slime", "/openrlhf"])
def test_the_token_may_be_the_password_of_the_url(client, path):
    body = {"prompt": PROMPT, "response": "no code", "label": LABEL}
    body |= {"query": [f"{SEEN}no code"], "prompts": [PROMPT], "labels": [LABEL]}
    for user, status in ((f"any:{TOKEN}", 200), (f":{TOKEN}", 200), ("any:wrong", 401), (TOKEN, 401), ("", 401)):
        header = f"Basic {base64.b64encode(user.encode()).decode()}"
        assert client.ask("POST", path, body, token=None, Authorization=header)[0] == status
    assert client.ask("POST", path, body, token=None, Authorization="Basic ///")[0] == 401
    assert client.ask("POST", path, body, token=None)[0] == 401


def test_the_api_shows_what_trainers_send(client):
    paths = json.loads(client.ask("GET", "/openapi.json")[1])["paths"]
    body = paths["/openrlhf"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["query", "prompts", "labels"]
    body = paths["/slime"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["prompt", "response", "label"]


def test_the_function_of_the_documentation_works(client, rewards):
    httpx = pytest.importorskip("httpx")
    text = (ROOT / "docs" / "other_trainers.md").read_text("utf-8")
    [function] = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def visual_reward" in block
    ]
    names: dict[str, Any] = {}
    exec(function.replace("any:TOKEN@reward:8700", f"any:{TOKEN}@127.0.0.1:{client.port}"), names)
    assert [names["visual_reward"](each, LABEL) for each in RESPONSES] == rewards
    with pytest.raises(httpx.HTTPStatusError, match="503"):
        names["visual_reward"]("```python\nx\n```", json.dumps({"target": IMAGE, "language": "python"}))


def test_the_client_waits_no_longer_than_it_is_told_and_does_not_score_0(client):
    request = RewardRequest(svg(9), target(3), language="svg")
    with pytest.raises(ScoringUnavailable, match=r"has not answered in 0\.001 s; it may be overloaded"):
        dict(HttpReward(f"http://127.0.0.1:{client.port}", TOKEN, timeout=0.001).stream([request]))


def test_the_client_sends_large_targets_in_calls_that_the_server_takes(monkeypatch, client):
    monkeypatch.setattr("vincicoder.server.client._BATCH_BYTES", 2 * len(IMAGE) + 2 * len(svg(9)))
    reward = HttpReward(f"http://127.0.0.1:{client.port}", TOKEN)
    sizes = []
    monkeypatch.setattr(
        reward, "_scored", lambda samples: sizes.append(len(samples)) or HttpReward._scored(reward, samples)
    )
    requests = [RewardRequest(svg(9), target(3)) for _ in range(5)]
    assert sorted(dict(reward.stream(requests))) == [0, 1, 2, 3, 4]
    assert sorted(sizes) == [1, 2, 2]


def test_a_text_that_is_no_unicode_spoils_only_itself(client):
    requests = [RewardRequest(svg(9), target(3), language="svg"), RewardRequest("\ud800", target(3), language="svg")]
    results = dict(HttpReward(f"http://127.0.0.1:{client.port}", TOKEN).stream(requests))
    assert [results[index].status for index in range(2)] == ["ok", "no_code"]


def test_a_refusal_that_may_pass_is_tried_again(monkeypatch, client):
    answers = iter([(429, "{}"), (503, "{}")])
    reward = HttpReward(f"http://127.0.0.1:{client.port}", TOKEN)
    monkeypatch.setattr("vincicoder.server.client._PAUSES", (0.0, 0.0, 0.0))
    opened = _failing_first(monkeypatch, answers)
    assert reward.render("<svg <", "svg").status == "syntax_error"
    assert opened == [429, 503]
    _failing_first(monkeypatch, iter([(403, "no")]))
    with pytest.raises(ConfigError, match="403"):
        reward.render("<svg <", "svg")


def _failing_first(monkeypatch, answers):
    import io
    import urllib.error
    import urllib.request

    really, opened = urllib.request.OpenerDirector.open, []

    def urlopen(request, timeout):
        code, text = next(answers, (200, ""))
        if code == 200:
            return really(urllib.request.build_opener(), request, timeout=timeout)
        opened.append(code)
        raise urllib.error.HTTPError(request.full_url, code, "", None, io.BytesIO(text.encode()))

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return opened
