"""Hacks are made from the target's pixels or the prompt, and render."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from vincicoder.fidelity.hacks import RASTER_LIKE, STUFFED, hacks
from vincicoder.guards import smuggled_raster
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig

_OWN = {"svg": {"tiny-canvas"}, "html": {"box-shadow"}, "latex": {"tiny-canvas"}, "python": {"imshow", "scatter"}}
_COMMON = {
    "blank", "mean-colour", "dot", "mosaic-6x4", "mosaic-16x12", "mosaic-48x36", "frame", "template", "colour-blocks",
    "prompt-as-text", "unrelated", STUFFED,
}  # fmt: skip


@pytest.fixture(scope="module")
def target():
    image = Image.new("RGB", (120, 80), "#ffffff")
    ImageDraw.Draw(image).rectangle((20, 20, 60, 70), fill="#cc2200")
    return image


@pytest.mark.parametrize("language", sorted(_OWN))
def test_every_language_has_its_hacks(target, language):
    found = made(language, target)
    assert set(found) >= _COMMON | _OWN[language]
    assert set(found) & RASTER_LIKE
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("language", sorted(_OWN))
def test_hacks_are_no_smuggled_images(target, language):
    # What the guards see already needs no measuring.
    assert [name for name, code in made(language, target).items() if smuggled_raster(code, language)] == []


def test_hacks_of_an_svg_render(target):
    with RenderPool.of(RenderingConfig(workers=1)) as pool:
        for name, code in made("svg", target).items():
            assert pool.render(code, "svg").image is not None, name


def test_a_language_that_nobody_knows_hacks_for_has_the_unrelated_one(target):
    assert hacks("dots", target, "prompt", "1 2", "3 4") == {"unrelated": "3 4"}


def test_a_mosaic_has_the_mean_colours_of_its_cells(target):
    [red] = {"#cc2200"} & set(made("svg", target)["mosaic-48x36"].split('"'))
    assert red


def made(language, target):
    return hacks(
        language, target, "Draw <this> & {that}.", '<svg width="9" height="9"/>', '<svg width="8" height="8"/>'
    )
