"""The judge of image edits: the number of UniWorld-R1's code, and no fault that becomes a 0."""

from __future__ import annotations

import asyncio
import base64
import io
from math import exp, log
from typing import Any

import pytest
from chat_server import Body, ChatServer, chatting
from PIL import Image

from vincicoder.errors import EndpointError, FaultyAnswer
from vincicoder.reward.editing import Edit, EditJudge

SOURCE, EDITED = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
LOGITS = (1.0, 0.5, 2.0, 3.5, 3.0, 1.5)


def rated(server: ChatServer, edit: Edit, **options: Any) -> float:
    return asyncio.run(EditJudge(server.url, "judge", tries=1, **options)(edit))


def whole(logits: tuple[float, ...] = LOGITS, others: float = 5.0) -> dict[str, Any]:
    """Answer with the log-probabilities of the digits beside those of another token."""
    total = log(sum(map(exp, logits)) + exp(others))
    likeliest = [{"token": str(digit), "logprob": each - total} for digit, each in enumerate(logits)]
    likeliest.append({"token": "The", "logprob": others - total})
    return {"message": {"content": "3"}, "logprobs": {"content": [{"token": "3", "top_logprobs": likeliest}]}}


def test_the_score_is_the_softmax_over_six_logits_whatever_else_is_likely() -> None:
    with chatting(lambda _: whole()) as server:
        found = rated(server, Edit("Make it blue.", SOURCE, EDITED))
    assert found == pytest.approx(sum(k * exp(each) for k, each in enumerate(LOGITS)) / (5 * sum(map(exp, LOGITS))))


def test_the_judge_sees_the_source_before_the_edited_image_and_the_question_of_the_authors() -> None:
    with chatting(lambda _: whole()) as server:
        rated(server, Edit("Make it {requirement}.", SOURCE, EDITED, "Keep the {prompt}."))
        [[message]] = [body["messages"] for body in server.requests]
    first, second, text = message["content"]
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(each["image_url"]["url"].partition(",")[2]))) for each in (first, second)
    ]
    assert [each.convert("RGB").getpixel((0, 0)) for each in pictures] == [(255, 0, 0), (0, 0, 255)]
    assert "\nInstruction: Make it {requirement}.\nRequirements: Keep the {prompt}.\n" in text["text"]
    assert text["text"].startswith("Here are two images: the original and the edited version.")
    assert text["text"].endswith("(Directly response the score number): \n0-5")


def test_the_question_is_a_file_that_users_replace(tmp_path) -> None:
    file = tmp_path / "question.txt"
    file.write_text("Is {prompt} done?")
    with chatting(lambda _: whole()) as server:
        rated(server, Edit("it", SOURCE, EDITED), prompt=str(file))
        assert server.requests[0]["messages"][0]["content"][-1]["text"] == "Is it done?"
    file.write_text("Is it done?")
    with pytest.raises(ValueError, match="has no place for the instruction"):
        EditJudge("http://localhost:1/v1", "judge", str(file))
    with pytest.raises(ValueError, match="cannot be read"):
        EditJudge("http://localhost:1/v1", "judge", str(tmp_path / "none.txt"))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(500, EndpointError), ({"message": {"content": "3"}}, FaultyAnswer), (whole(others=20.0), FaultyAnswer)],
)
def test_a_fault_of_the_judge_is_an_error_and_never_a_0(answer: int | Body, kind: type[Exception]) -> None:
    with chatting(lambda _: answer) as server, pytest.raises(kind):
        rated(server, Edit("Make it blue.", SOURCE, EDITED))
