"""References that are of no use are found, said, and left out, and the response is scored all the same."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from vincicoder.rendering import Render
from vincicoder.reward import RewardRequest, VisualReward
from vincicoder.reward.references import fault_of
from vincicoder.status import Status

NS = "xmlns='http://www.w3.org/2000/svg'"
CARD = (
    f"<svg {NS} width='512' height='512'><rect width='256' height='256' fill='navy'/>"
    "<text x='290' y='120' font-size='60'>Sales</text></svg>"
)


@pytest.fixture(scope="module")
def target() -> Image.Image:
    image = Image.new("RGB", (512, 512), "white")
    image.paste("navy", (0, 0, 256, 256))
    ImageDraw.Draw(image).text((290, 70), "Sales", "black", font_size=60)
    return image


def test_a_reference_that_shows_the_target_is_believed_also_when_it_is_moved_or_scaled(target: Image.Image) -> None:
    moved = Image.new("RGB", target.size, "white")
    moved.paste(target, (12, 12))
    for image in (target, moved, target.resize((300, 200))):
        assert fault_of(Render(Status.OK, image), target) == ""
    blank = Image.new("RGB", (40, 40), "white")
    assert fault_of(Render(Status.OK, blank), blank) == ""


def test_a_reference_that_does_not_render_or_shows_something_else_has_a_fault(target: Image.Image) -> None:
    assert "syntax_error: line 3" in fault_of(Render(Status.SYNTAX_ERROR, message="line 3"), target)
    other = Image.new("RGB", target.size, "white")
    other.paste("navy", (256, 256, 512, 512))
    for image in (other, Image.new("RGB", target.size, "black"), Image.new("RGB", target.size, "white")):
        assert "no nearer to the target" in fault_of(Render(Status.OK, image), target)


def test_the_reward_does_without_a_bad_reference_and_says_so(target: Image.Image) -> None:
    answer = f"```svg\n{CARD}\n```"
    broken, other = "<svg", CARD.replace("width='256'", "x='256' y='256' width='256'").replace("Sales", "Cost")
    requests = [RewardRequest(answer, target, language="svg", reference=each) for each in (CARD, broken, other, None)]
    with VisualReward("embedded", workers=1, preset="robust") as reward:
        good, unrendered, wrong, without = reward.score(requests)
    assert good.note == without.note == ""
    assert good.scores["text"] == pytest.approx(1)
    assert "does not render: syntax_error" in unrendered.note
    assert "no nearer" in wrong.note
    for each in (unrendered, wrong):
        assert each.status is Status.OK
        assert (each.scores, each.overall) == (without.scores, without.overall)
        assert each.scores["text"] is each.scores["length"] is None
    assert unrendered.to_dict()["note"] == unrendered.note
