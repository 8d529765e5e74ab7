"""Programs are bred from hacks, the same ones for the same random numbers, in every language that scenes have."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageDraw

from vincicoder.fidelity.breeding import Breeder
from vincicoder.fidelity.scenes import PROGRAMS, Line

_TEXTS = [Line(20, 40, 12, "Sales & <more> $5", "#112233")]


@pytest.fixture(scope="module")
def target():
    image = Image.new("RGB", (120, 80), "#ffffff")
    ImageDraw.Draw(image).rectangle((20, 20, 60, 70), fill="#cc2200")
    return image


def bred(target, seed, generations=30):
    breeder = Breeder(target, _TEXTS, "Draw this.", random.Random(seed))
    parents = breeder.first()[:10]
    for _ in range(generations):
        parents = [breeder.child(parents) for _ in range(10)]
    return parents


def test_the_same_seed_breeds_the_same_programs(target):
    codes = [[each.code("svg") for each in bred(target, seed)] for seed in (1, 1, 2)]
    assert codes[0] == codes[1] != codes[2]


def test_the_first_programs_are_hacks_alone_and_with_the_texts(target):
    origins = [each.origin for each in Breeder(target, [Line(1, 9, 9, "A")], "Draw this.", random.Random(0)).first()]
    assert {frozenset({"mosaic-48x36"}), frozenset({"mosaic-48x36", "texts"}), frozenset({"blank", "texts"})} <= set(
        origins
    )
    alone = Breeder(target, [], "Draw this.", random.Random(0)).first()
    assert not any("texts" in each.origin for each in alone)


def test_children_change_boxes_texts_and_comments_and_mix_origins(target):
    children = [child for seed in range(10) for child in bred(target, seed)]
    assert len({len(each.scene.boxes) for each in children}) > 20
    assert len({len(each.scene.texts) for each in children}) > 2
    assert any(each.stuffing for each in children)
    assert any(len(each.origin) > 2 for each in children)
    assert max(len(each.scene.boxes) for each in children) <= 2_000


def test_a_child_leaves_its_parents_as_they_are(target):
    breeder = Breeder(target, [], "Draw this.", random.Random(0))
    parents = breeder.first()[:4]
    before = [each.code("svg") for each in parents]
    for _ in range(50):
        breeder.child(parents)
    assert [each.code("svg") for each in parents] == before


@pytest.mark.parametrize("language", sorted(PROGRAMS))
def test_text_is_written_so_that_no_language_takes_it_for_code(target, language):
    breeder = Breeder(target, [Line(20, 40, 12, "a</text><b> $x \\end{document}", "#112233")], "", random.Random(0))
    [program] = [each for each in breeder.first() if each.origin == {"blank", "texts"}]
    code = program.code(language)
    if language == "python":
        compile(code, "scene", "exec")
        assert "\\\\$x" in code  # no formula
    elif language == "latex":
        assert code.count("\\end{document}") == 1
    else:
        assert "<b>" not in code
