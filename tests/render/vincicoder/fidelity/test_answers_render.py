"""Damage and hacks in the languages that need a browser, TeX or a plotting library render, and damage shows."""

from __future__ import annotations

import pytest

from vincicoder.fidelity.damages import ladders
from vincicoder.fidelity.hacks import hacks
from vincicoder.fidelity.references import snippets
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig

_SEEN = ("recipe-cards", pytest.param("pulley", marks=pytest.mark.slow), "bakery-sales")


@pytest.fixture(scope="module")
def pool():
    with RenderPool.of(RenderingConfig()) as opened:
        yield opened


@pytest.mark.parametrize("name", _SEEN)
def test_nearly_all_damage_renders_and_shows(pool, name):
    each = next(each for each in snippets() if each.name == name)
    target = pool.render(each.code, each.language).image
    kinds = dict(ladders(each.code, each.language, each.name))
    assert len(kinds) >= 12
    renders = {(kind, strength): pool.submit(code, each.language) for kind, codes in kinds.items()
               for strength, code in codes.items()}  # fmt: skip
    images = {key: future.result().image for key, future in renders.items()}
    shown = [key for key, image in images.items() if image is not None and image.tobytes() != target.tobytes()]
    assert len(shown) >= 0.9 * len(images), set(images) - set(shown)


@pytest.mark.parametrize("name", _SEEN)
def test_hacks_render(pool, name):
    each = next(each for each in snippets() if each.name == name)
    target = pool.render(each.code, each.language).image
    renders = {
        hack: pool.submit(code, each.language)
        for hack, code in hacks(each.language, target, each.prompt, each.code, None).items()
    }
    assert {hack: future.result().message for hack, future in renders.items() if not future.result().image} == {}
