"""The component `ems` is the metric of Image2Struct."""

from __future__ import annotations

import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.evaluation.metrics.ems import METRIC
from vincicoder.reward.components import load_component
from vincicoder.reward.components.ems import Ems
from vincicoder.similarity.ems import prepare


def page(*boxes: tuple[int, int, int, int], ground: str = "white") -> Image.Image:
    image = Image.new("RGB", (96, 64), ground)
    for box in boxes:
        image.paste("black", box)
    return image


TARGET = page((8, 8, 40, 24), (56, 32, 80, 56))


def score(render: Image.Image) -> float:
    component = Ems()
    return component(TARGET, render, component.prepare(TARGET))


def test_the_target_has_1():
    assert score(TARGET.copy()) == 1.0


def test_it_is_the_metric():
    render = page((8, 8, 40, 24))
    assert score(render) == METRIC.measure(TARGET, render, prepare(TARGET))["ems"]
    assert 0 < score(render) < 1


def test_without_opencv_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("vincicoder.reward.components.ems.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="opencv-python-headless; run: pip install"):
        load_component("ems", {})
