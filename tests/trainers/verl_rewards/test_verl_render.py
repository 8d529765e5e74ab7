"""The tool ``render`` as verl's agent loop calls it: what the model is shown, and what is left with the episode."""

from __future__ import annotations

import asyncio
import types
from typing import Any

import pytest
from needed import needs_release
from verl_runs import SCORING

from vincicoder.trainers import TURNS

pytestmark = pytest.mark.verl

needs_release("verl", 0, 9)

DRAWS = '<svg width="64" height="64"><circle r="30"/></svg>'


def called(**arguments: str) -> tuple[Any, list[dict[str, Any]]]:
    """Return what the tool answers, and the turns that it leaves with an episode of seven tokens."""
    from verl_rewards.vincicoder_render import RenderTool

    episode = types.SimpleNamespace(extra_fields={}, response_mask=[1] * 7)
    tool = RenderTool({"type": "native", **SCORING})
    response, reward, metrics = asyncio.run(tool.execute("call", arguments, agent_data=episode))
    assert (reward, metrics) == (0.0, {})
    return response, episode.extra_fields.get(TURNS, [])


def test_a_render_is_shown_and_the_turn_is_kept():
    response, turns = called(code=DRAWS, language="SVG")
    [image] = response.image
    assert image.size == (512, 512) and image.getpixel((0, 0)) == (0, 0, 0)
    assert response.text.startswith("This is what your code draws.")
    assert turns == [{"answer": f"```svg\n{DRAWS}\n```", "end": 7}]


def test_code_that_does_not_render_is_answered_with_the_reason_and_counts_as_a_turn():
    response, turns = called(code="<svg><rect</svg>", language="svg")
    assert response.image is None
    assert response.text.startswith("Your code gives no image: not well-formed")
    assert [each["end"] for each in turns] == [7]


@pytest.mark.parametrize("arguments", [{"code": DRAWS}, {"language": "svg"}, {"code": DRAWS, "language": "klingon"}])
def test_a_call_without_code_or_language_is_told_what_is_missing_and_is_no_turn(arguments):
    response, turns = called(**arguments)
    assert response.image is None and turns == []
    assert response.text.startswith("Nothing was rendered. Give the complete code and its language")
