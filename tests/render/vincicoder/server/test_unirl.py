"""UniRL's ``POST /score`` over HTTP: scores of edits, and a reason where there is none."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from chat_server import chatting
from edit_judge import judged
from PIL import Image
from served import served

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra 'serve' is not installed")


def image(colour: str) -> str:
    content = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(content, "JPEG", quality=95)
    return base64.b64encode(content.getvalue()).decode()


def sample(text: str = "Make it blue.", colours: tuple[str, ...] = ("red", "blue"), **fields: Any) -> dict[str, Any]:
    history = [{"text": text, "image_b64": image(colour)} for colour in colours]
    return {"history": history, "required_rewards": ["edit"], "metadata": None} | fields


@pytest.fixture(scope="module")
def client():
    with chatting(judged) as judge, served("--edit-url", judge.url, "--edit-model", "judge") as client:
        client.judge = judge
        yield client


def score(client, *samples: dict[str, Any]) -> dict[str, Any]:
    status, text = client.ask("POST", "/score", {"protocol_version": "1", "requests": list(samples)})
    assert status == 200, text
    return json.loads(text)


def test_each_edit_gets_the_judges_score(client):
    found = score(client, sample(), sample("Make it green.", ("red", "green")))
    assert [each["edit"]["score"] for each in found["results"]] == pytest.approx([0.8, 0.8], abs=1e-6)
    assert found["errors"] == [{}, {}]
    assert found["protocol_version"] == "1"


def test_the_rows_requirement_reaches_the_judge(client):
    score(client, sample("Make it grey.", metadata={"requirement": "Keep the frame."}))
    assert "Requirements: Keep the frame." in client.judge.requests[-1]["messages"][0]["content"][-1]["text"]


@pytest.mark.parametrize(
    ("wrong", "name", "why"),
    [
        (sample("break down"), "edit", "EndpointError"),
        (sample(colours=("red",)), "edit", "the history has 1 turns; expected the source and the edited image"),
        (sample(required_rewards=["hps"]), "hps", "there is no such reward; this server has 'edit'"),
        (
            {**sample(), "history": [{"text": "a", "image_b64": "/etc/passwd"}] * 2},
            "edit",
            "the source turn has no image",
        ),
        ({**sample(), "history": [{"text": "a", "video_b64": "AAAA"}] * 2}, "edit", "the source turn has no image"),
    ],
)
def test_what_cannot_be_rated_has_a_reason_and_no_score_and_spoils_nobody(client, wrong, name, why):
    found = score(client, wrong, sample())
    assert found["results"][0] == {}
    assert why in found["errors"][0][name]
    assert found["results"][1]["edit"]["score"] == pytest.approx(0.8, abs=1e-6)


def test_health_lists_the_rewards(client):
    status, text = client.ask("GET", "/health")
    assert (status, json.loads(text)) == (200, {"status": "ok", "rewards": {"edit": ["score"]}})


def test_without_a_token_nothing_is_rated(client):
    status, _ = client.ask("POST", "/score", {"requests": [sample()]}, token=None)
    assert status == 401


def test_a_server_without_a_judge_says_so():
    with served() as client:
        assert json.loads(client.ask("GET", "/health")[1])["rewards"] == {}
        assert "--edit-url" in score(client, sample())["errors"][0]["edit"]
