"""Damage is deterministic, grows with its strength, and shows."""

from __future__ import annotations

import hashlib
import json
import time

import numpy as np
import pytest
from repository import EXAMPLES

from vincicoder.fidelity.damages import CHAIN, DAMAGES, STRENGTHS, ladders, mediocre
from vincicoder.fidelity.references import read_references, snippets
from vincicoder.images import open_target
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig

_SAMPLES = read_references([EXAMPLES / "samples" / "index.jsonl"])
_SEEN = ("weather-card", "icon-calendar")


@pytest.fixture(scope="module")
def pool():
    with RenderPool.of(RenderingConfig(workers=1)) as opened:
        yield opened


def test_there_are_at_least_twelve_kinds_at_three_strengths():
    found = {(kind, strength) for each in _SAMPLES for kind, codes in made(each).items() for strength in codes}
    kinds = {kind for name in DAMAGES for kind in DAMAGES.get(name)} | {CHAIN}
    assert len(kinds) >= 12
    assert found == {(kind, strength) for kind in kinds for strength in STRENGTHS}


def test_the_damage_is_frozen():
    # Figures before and after a change of weights must be over the same answers.
    made_of_snippets = [
        [each.name, kind, codes] for each in snippets() for kind, codes in ladders(each.code, each.language, each.name)
    ]
    digest = hashlib.blake2b(json.dumps(made_of_snippets).encode(), digest_size=8).hexdigest()
    assert digest == "e715f32d7b8a44cb"


@pytest.mark.parametrize("each", _SAMPLES[::9], ids=lambda each: each.name)
def test_the_same_reference_is_damaged_in_the_same_way_again(each):
    assert made(each) == made(each)
    assert mediocre(each.code, each.language, each.name) == mediocre(each.code, each.language, each.name)


def test_another_name_is_damaged_in_another_way():
    each = next(each for each in _SAMPLES if each.name == "weather-card")
    assert dict(ladders(each.code, each.language, "another"))["layout"] != made(each)["layout"]


@pytest.mark.parametrize("each", [*_SAMPLES[::4], *snippets()], ids=lambda each: each.name)
def test_every_damaged_code_differs_from_the_reference_and_from_the_weaker_one(each):
    for codes in made(each).values():
        assert each.code not in codes.values()
        assert len(set(codes.values())) == len(codes)


def test_mediocre_answers_differ_by_their_number():
    each = next(each for each in _SAMPLES if each.name == "weather-card")
    assert len({mediocre(each.code, each.language, each.name, number) for number in range(3)}) == 3


@pytest.mark.parametrize("code", ["", "<svg", "<svg></svg>", "def (", "\\begin{document}", "<body>", "x" * 50_000])
@pytest.mark.parametrize("language", sorted(DAMAGES))
def test_odd_code_is_damaged_or_not_and_never_raises(language, code):
    for _, codes in ladders(code, language, "odd"):
        assert all(isinstance(each, str) for each in codes.values())


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("svg", "<svg>" + "<text>" * 6000),
        ("svg", "<svg>" + "<style>" * 5000),
        ("html", "<style>" * 5000),
        ("html", "<p>" + "a " * 19_000),
        ("latex", "A" + " " * 39_000),
        ("latex", "node{" + "a" * 39_000),
    ],
)
def test_hostile_code_takes_no_long_time(language, code):
    # Patterns that may match the same text in two ways would take minutes.
    started = time.process_time()
    list(ladders(code, language, "hostile"))
    assert time.process_time() - started < 10


@pytest.mark.parametrize("name", _SEEN)
def test_every_damage_of_an_svg_shows_and_stronger_ones_show_more(pool, name):
    each = next(each for each in _SAMPLES if each.name == name)
    target = pool.render(each.code, "svg").image
    rising = []
    for kind, codes in made(each).items():
        distances = [distance(target, pool.render(code, "svg").image) for code in codes.values()]
        assert all(found > 0 for found in distances), kind
        rising.append(distances == sorted(distances))
    assert sum(rising) >= 0.8 * len(rising)


def made(each):
    return dict(ladders(each.code, each.language, each.name))


def distance(first, second):
    same_size = [np.asarray(open_target(each).resize((256, 256)), float) for each in (first, second)]
    return np.abs(same_size[0] - same_size[1]).mean() + (first.size != second.size)
