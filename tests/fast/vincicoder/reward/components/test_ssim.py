"""The component `ssim`: 1 for the target, 0 for an empty page, and the metric itself between them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.reward.components import load_component
from vincicoder.reward.components.ssim import Ssim
from vincicoder.similarity.ssim import ssim


def page(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (200, 120)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    for box in boxes:
        image.paste("navy", box)
    return image


TARGET = page((20, 20, 80, 100), (120, 60, 180, 100))


def score(target: Image.Image, render: Image.Image, component: Ssim | None = None) -> float:
    component = component or Ssim()
    return component(target, render, component.prepare(target))


def test_the_target_has_1_and_an_empty_page_has_0():
    assert (score(TARGET, TARGET.copy()), score(TARGET, page())) == (1.0, 0.0)


def test_it_is_the_metric_measured_from_an_empty_page():
    render = page((20, 20, 80, 100))
    arrays = [np.asarray(each) for each in (TARGET, render, page())]
    found, blank = (ssim(arrays[0], each) for each in arrays[1:])
    assert score(TARGET, render) == pytest.approx((found - blank) / (1 - blank))


def test_what_is_worse_than_an_empty_page_has_0():
    assert score(page((0, 0, 8, 8)), page((60, 0, 200, 120))) == 0.0


def test_an_empty_target_is_compared_as_it_is():
    assert score(page(), page()) == 1.0
    assert 0 < score(page(), TARGET) < 1


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (2000, 5)])
def test_images_of_any_shape_have_a_score(size):
    assert 0 <= score(page(size=size), page((0, 0, 2, 2), size=size)) <= 1


def test_a_side_below_a_window_is_refused():
    with pytest.raises(ConfigError, match="longest_side must be at least 8 pixels"):
        load_component("ssim", {"longest_side": 4})
