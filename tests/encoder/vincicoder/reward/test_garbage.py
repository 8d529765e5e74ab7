"""What a batch has used is given back at once: in a trainer, Python's collector may not come by for many steps."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from PIL import Image, ImageDraw

from vincicoder.reward import RewardRequest, VisualReward

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="{}"/></svg>'
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, {}])"
CODES = [("svg", SVG), ("python", PLOT), ("svg", "<svg {}"), ("svg", SVG.replace("circle", "nothing"))]


def requests(turn: int) -> list[RewardRequest]:
    target = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(target).ellipse((50, 50, 150, 150 + turn), "red")
    return [
        RewardRequest(f"```{name}\n{code.format(n)}\n```", target, language=name, reference=SVG.format(2))
        for n in range(3)
        for name, code in CODES
    ]


@pytest.mark.parametrize("settings", [{}, {"preset": "robust"}, {"preset": "robust", "keep_renders": "all"}])
def test_no_image_of_a_batch_waits_for_the_collector(settings: dict[str, Any]) -> None:
    with VisualReward("embedded", workers=2, **settings) as reward:
        reward.score(requests(0))
        gc.collect()
        gc.disable()
        try:
            results = reward.score(requests(1))
            assert {result.status.value for result in results} == {"ok", "syntax_error", "blank"}
            del results
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = [type(each).__name__ for each in gc.garbage]
            assert not {"Image", "Job", "Render", "Future"} & set(left)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
