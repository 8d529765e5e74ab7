from __future__ import annotations

import random
from dataclasses import asdict

from beyond.scenes import (
    CLOSING,
    FEWEST,
    LONGEST,
    MOST,
    OPENING,
    PLACES,
    SIDE,
    Hits,
    Shape,
    answer,
    draft,
    drawn,
    hits,
    scenes,
    seen,
    vocabulary,
)
from beyond.settings import ARMS, QUICK, WEIGHT, Settings
from PIL import Image

NOTHING = Hits(0.0, 0.0, 0.0, 0.0, 0.0)


def test_scenes_have_3_to_6_shapes_in_reading_order_and_answers_draw_them():
    found = scenes(300, seed=4)
    assert {len(scene) for scene in found} == set(range(FEWEST, MOST + 1)) == {3, 4, 5, 6}
    for scene in found:
        assert [shape.place for shape in scene] == sorted({shape.place for shape in scene})
        assert drawn(answer(scene)) == {shape.place: shape for shape in scene}
        assert hits(answer(scene), scene) == Hits(1.0, 1.0, 1.0, 1.0, 1.0)


def test_the_same_seed_makes_the_same_scenes_and_none_that_are_excluded():
    first = scenes(20, seed=1)
    assert first == scenes(20, seed=1)
    assert not set(first) & set(scenes(50, seed=1, but=frozenset(first)))


def test_what_is_painted_over_does_not_count_and_what_is_too_much_does():
    scene = (Shape(0, 1, 1), Shape(4, 2, 0))
    over = [Shape(0, 0, 0), *scene]
    assert hits(answer(over), scene).all == 1.0
    more = [*scene, Shape(8, 0, 0), Shape(7, 0, 0)]
    assert hits(answer(more), scene) == Hits(0.5, 0.5, 0.5, 0.5, 0.0)


def test_an_answer_without_an_end_is_right_in_nothing():
    scene = (Shape(0, 1, 1),)
    assert hits(answer(scene).removesuffix(CLOSING), scene) == hits("", scene) == NOTHING
    assert hits(OPENING + CLOSING, scene) == NOTHING


def test_drafts_are_flawed_about_as_often_as_they_say():
    rng = random.Random(0)
    found = scenes(400, seed=2)
    drafts = [draft(scene, rng) for scene in found]
    shapes = sum(map(len, found))
    missing = 1 - sum(map(len, drafts)) / shapes
    right = sum(len(set(scene) & set(each)) for scene, each in zip(found, drafts, strict=True)) / shapes
    assert 0.07 < missing < 0.13
    assert 0.5 < right < 0.57  # 0.5, and a twelfth of what has a look by chance


def test_no_answer_to_a_scene_needs_more_words_than_there_are():
    assert 3 * MOST + 3 <= LONGEST == 3 * len(PLACES) + 3
    words = vocabulary(["<pad>"])
    assert list(words.values()) == list(range(1 + 1 + 9 + 4 + 3 + 1))


def test_the_render_is_shown_on_the_right_of_the_target():
    image = seen(Image.new("RGB", (SIDE, SIDE), "red"), Image.new("RGB", (90, 90), "blue"))
    places = [(1, 1), (SIDE + 1, 1), (1, SIDE + 1), (SIDE + 1, SIDE + 1)]
    assert [image.getpixel(each) for each in places] == [(255, 0, 0), (0, 0, 255), (255,) * 3, (255,) * 3]
    assert seen(Image.new("RGB", (SIDE, SIDE), "red")).getpixel((SIDE + 1, 1)) == (255,) * 3


def test_arms_differ_from_the_first_in_what_their_names_say_and_in_nothing_else():
    plain = asdict(ARMS["outcome"])
    changes = {
        name: {key: value for key, value in asdict(arm).items() if value != plain[key]} for name, arm in ARMS.items()
    }
    assert changes == {
        "outcome": {},
        "process": {"outcome": False, "process_weight": WEIGHT},
        "both": {"process_weight": WEIGHT},
        "shuffled": {"process_weight": WEIGHT, "shuffled": True},
        "turns": {"turns": 2},
    }


def test_answers_of_a_step_are_whole_groups_of_whole_episodes():
    for settings in (Settings(), QUICK):
        assert settings.answers % settings.per_scene == 0
        assert settings.per_scene % 2 == 0
        assert settings.steps % settings.every == 0
