from __future__ import annotations

import random

import pytest
from miniature.scenes import Hits, Scene, Shape, answer, code_of, flawed, hits, scenes

from vincicoder import align

NOTHING = Hits(0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_code_of_every_scene_hits_it_and_only_it():
    found = scenes(200, seed=0)
    for scene, other in zip(found, found[1:] + found[:1], strict=True):
        assert hits(code_of(scene), scene) == Hits(1.0, 1.0, 1.0, 1.0, 1.0)
        assert hits(code_of(other), scene).all == 0


def test_flawed_code_is_never_right_and_has_every_kind_of_flaw():
    rng = random.Random(0)
    found = [hits(flawed(scene, rng), scene) for scene in scenes(300, seed=0)]
    assert not any(each.all for each in found)
    assert sum(each == NOTHING for each in found) > 20, "torn lines"
    for name in ("places", "kinds", "colours", "word"):
        assert any(getattr(each, name) < 1 and each != NOTHING for each in found), name


def test_scenes_are_the_same_for_a_seed_and_never_among_those_left_out():
    first = scenes(100, seed=1)
    assert scenes(100, seed=1) == first
    assert len(set(first)) == 100
    assert not set(scenes(1000, seed=1, but=frozenset(first))) & set(first)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("red", "gold", Hits(1.0, 1.0, 0.5, 1.0, 0.0)),
        ('cx="24"', 'cx="8"', Hits(1 / 3, 1 / 3, 1 / 3, 1.0, 0.0)),
        ('cx="24"', 'cx="25"', Hits(1 / 3, 1 / 3, 1 / 3, 1.0, 0.0)),
        ('cx="24"', "", Hits(1 / 3, 1 / 3, 1 / 3, 1.0, 0.0)),
        ("Rain", "Sum", Hits(1.0, 1.0, 1.0, 0.0, 0.0)),
        ("</svg>", "", NOTHING),
    ],
)
def test_hits_say_what_is_wrong(old, new, expected):
    scene = Scene((Shape(0, 1, "circle", "red"), Shape(1, 2, "triangle", "blue")), "Rain")
    assert hits(code_of(scene).replace(old, new), scene) == pytest.approx(expected)


def test_a_second_shape_in_a_cell_is_not_right():
    scene = Scene((Shape(0, 1, "circle", "red"),), "Rain")
    lines = code_of(scene).splitlines()
    assert hits("\n".join([*lines[:2], lines[1], *lines[2:]]), scene).all == 0


def test_an_answer_aligns_to_its_code():
    [scene] = scenes(1, seed=0)
    assert align(answer(code_of(scene)), prompt="Draw it as SVG.").code.strip() == code_of(scene)
