"""The component `text`: the reference's spans, in their places, as far as they can be seen, and no others."""

from __future__ import annotations

import math
import sys
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from vincicoder.errors import ConfigError
from vincicoder.rendering.facts import MAX_BYTES, MAX_SPANS, Facts, Span
from vincicoder.reward.components import load_component
from vincicoder.reward.components.text import Text, Texts

FONT = ImageFont.load_default(20)
SIZE = (400, 300)


def texts(*spans: tuple[str, float, float], shown: float = 1.0) -> Texts:
    """Return texts with these centres, in percent of the image."""
    return Texts(
        [text for text, _, _ in spans],
        np.array([(x, y) for _, x, y in spans], np.float64).reshape(-1, 2) / 100,
        np.sqrt([float(min(30, len(text))) for text, _, _ in spans]),
        np.full(len(spans), shown),
    )


def alike(known: Texts, found: Texts) -> float:
    return Text().soft_f1(known, found)


TITLE, LEGEND = ("Revenue", 50.0, 10.0), ("2024", 80.0, 50.0)
KNOWN = texts(TITLE, LEGEND)


def test_the_same_text_in_the_same_places_scores_one() -> None:
    assert alike(KNOWN, texts(LEGEND, TITLE)) == pytest.approx(1)


def test_a_missing_span_costs_recall_and_a_further_one_precision_each_by_the_root_of_its_length() -> None:
    recall = math.sqrt(7) / (math.sqrt(7) + 2)
    assert alike(KNOWN, texts(TITLE)) == pytest.approx(2 * recall / (recall + 1))
    assert alike(texts(TITLE), KNOWN) == pytest.approx(2 * recall / (recall + 1))


@pytest.mark.parametrize(
    ("text", "similarity"),
    [("Revenue", 1), ("revenue", 6 / 7), ("Revnue", 6 / 7), ("Reve", 4 / 7), ("R", 0.2), ("Costs", 0.2)],
)
def test_wrong_characters_cost_their_share(text: str, similarity: float) -> None:
    assert alike(texts(TITLE), texts((text, 50, 10))) == pytest.approx((similarity - 0.2) / 0.8)


@pytest.mark.parametrize(
    ("wanted", "given", "worth"),
    [
        ("80", "80", 1),
        ("1,250", "1,250", 1),
        ("80", "60", (0.5 - 0.2) / 0.8 * 0.5 * 0.5),  # one digit of two, a quarter off, and at most half right
        ("80", "20", (0.5 - 0.2) / 0.8 * 0),
        ("Ready in 80 minutes", "Ready in 60 minutes", (18 / 19 - 0.2) / 0.8 * (1 - (1 + 2 / 19) / 2 * 0.75)),
        ("Ready in 80 minutes", "Ready in minutes", (16 / 19 - 0.2) / 0.8 * (1 - (1 + 2 / 19) / 2)),
        ("2 of 3 stops", "2 of 9 stops", (11 / 12 - 0.2) / 0.8 * (1 - (1 + 2 / 12) / 2 * 0.5)),
    ],
)
def test_a_wrong_number_costs_more_than_its_digits_and_the_more_the_further_it_is_off(
    wanted: str, given: str, worth: float
) -> None:
    assert alike(texts((wanted, 50, 10)), texts((given, 50, 10))) == pytest.approx(worth)


def test_numbers_of_any_length_are_compared() -> None:
    long = "9" * 4000
    assert alike(texts((long, 50, 10)), texts((long, 50, 10))) == pytest.approx(1)
    assert 0 < alike(texts((f"1 {long}", 50, 10)), texts((f"2 {long}", 50, 10))) < 1


@pytest.mark.parametrize("apart", [0, 5, 25, 40])
def test_a_match_fades_with_the_distance(apart: float) -> None:
    expected = math.exp(-((apart / 25) ** 2))
    assert alike(texts(TITLE), texts(("Revenue", 50, 10 + apart))) == pytest.approx(expected)
    assert alike(texts(TITLE), texts(("Revenue", 50 - apart, 10))) == pytest.approx(expected)


def test_the_best_match_is_made_first_and_every_span_is_matched_once() -> None:
    # "aaaa" goes to the exact one, though the other comes first; "aaab" is left with nothing.
    assert alike(texts(("aaaa", 50, 50)), texts(("aaab", 50, 50), ("aaaa", 50, 50))) == pytest.approx(2 / 3)
    # Labels that are equal are told apart by their places.
    ticks = texts(*[("0", x, 90) for x in (10, 50, 90)])
    assert alike(ticks, texts(*[("0", x, 90) for x in (90, 10, 50)])) == pytest.approx(1)


def test_a_span_counts_only_as_far_as_it_is_shown() -> None:
    unseen = KNOWN._replace(shown=np.array([1.0, 0.0]))
    assert alike(KNOWN, unseen) == pytest.approx(alike(KNOWN, texts(TITLE)))
    assert alike(unseen, KNOWN) == pytest.approx(alike(texts(TITLE), KNOWN))
    assert alike(unseen, unseen) == alike(unseen, texts(TITLE)) == pytest.approx(1)
    # Half of it is there: all that is given is right, and half of what is wanted is given.
    assert alike(texts(TITLE), texts(TITLE, shown=0.5)) == pytest.approx(2 / 3)
    assert alike(texts(TITLE, shown=0.5), texts(TITLE, shown=0.5)) == pytest.approx(1)
    assert alike(KNOWN, texts(TITLE, LEGEND, shown=0)) == alike(texts(TITLE, shown=0), KNOWN) == 0


def test_the_more_is_wrong_the_lower_the_score() -> None:
    words = ["Revenue", "Costs", "Profit", "2023", "2024", "Quarter"]

    def answer(wrong: int, shift: float = 0) -> Texts:
        found = ["#" * len(word) if n < wrong else word for n, word in enumerate(words)]
        return texts(*[(text, 10 + 15 * n + shift, 90 - 12 * n) for n, text in enumerate(found)])

    for damaged in ([answer(n) for n in range(7)], [answer(0, shift) for shift in (0, 2, 6, 15, 40)]):
        scores = [alike(answer(0), each) for each in damaged]
        assert scores == sorted(scores, reverse=True)
        assert len(set(scores)) == len(scores)


def written(*spans: tuple[str, int, int], colour: str = "black", scale: int = 1) -> tuple[Image.Image, Facts]:
    """Return an image with these texts at these places, and what its renderer says of it."""
    image = Image.new("RGB", (SIZE[0] * scale, SIZE[1] * scale), "white")
    draw, found, font = ImageDraw.Draw(image), [], ImageFont.load_default(20 * scale)
    for text, x, y in spans:
        at = (x * scale, y * scale)
        draw.text(at, text, colour, font)
        found.append(Span(text, draw.textbbox(at, text, font), (0, 0, 0) if colour == "black" else (255, 255, 255)))
    return image, Facts(tuple(found))


PAGE, FACTS = written(("Net  sales", 60, 20), ("a" * 31, 20, 200))


def measured(image: Image.Image, facts: Facts | None, size: tuple[int, int] = SIZE) -> float:
    text = Text()
    return text(image, facts, size, text.prepare(PAGE, FACTS, SIZE))


def test_facts_are_read_with_single_spaces_weights_by_length_and_centres_as_shares_of_the_image() -> None:
    found = Text().prepare(PAGE, FACTS, SIZE)
    assert found is not None
    left, top, right, bottom = FACTS.spans[0].box
    assert found.texts == ["Net sales", "a" * 31]
    assert found.weights == pytest.approx([3, math.sqrt(30)])
    assert found.centres[0] == pytest.approx([(left + right) / 800, (top + bottom) / 600])
    assert found.shown == pytest.approx([1, 1], abs=0.1)


def test_a_render_of_another_size_has_its_text_in_the_same_places() -> None:
    image, facts = written(("Net sales", 60, 20), ("a" * 31, 20, 200), scale=2)
    assert measured(image.resize(SIZE), facts, image.size) == pytest.approx(1, abs=0.02)
    assert measured(image.resize(SIZE), facts) < 0.5


def test_text_that_cannot_be_seen_earns_nothing() -> None:
    white, facts = written(("Net sales", 60, 20), ("a" * 31, 20, 200), colour="white")
    assert measured(PAGE, FACTS) == pytest.approx(1)
    assert measured(white, facts) == measured(white, FACTS) == 0


@pytest.mark.parametrize("found", [None, Facts(), Facts((Span(" \n", (0, 0, 90, 90)), Span("", (0, 0, 9, 9))))])
def test_a_render_without_text_scores_0(found: Facts | None) -> None:
    assert measured(PAGE, found) == 0


def test_it_applies_where_the_target_shows_text_that_the_reference_draws() -> None:
    text, blank = Text(), Image.new("RGB", SIZE, "white")
    assert text.applies(text.prepare(PAGE, FACTS, SIZE)) is True
    assert text.applies(text.prepare(PAGE.resize((800, 600)), FACTS, SIZE)) is True
    assert text.applies(text.prepare(blank, FACTS, SIZE)) is False
    for nothing in (None, Facts(), Facts((Span(" ", (0, 0, 90, 90)),))):
        assert text.applies(text.prepare(PAGE, nothing, SIZE)) is False
    assert text.applies(text.prepare(PAGE, None, None)) is False


def test_as_many_spans_as_there_may_be_take_bounded_time() -> None:
    text = Text()
    many = Facts(tuple(Span(f"y{n}", (n % 97, n % 89, n % 97 + 200, n % 89 + 90)) for n in range(MAX_SPANS)))
    long = Facts((Span("x" * (MAX_BYTES - 100), (0, 0, 90, 90)),))
    for facts in (many, long):
        started = time.process_time()
        found = text.prepare(PAGE, facts, SIZE)
        seen = found._replace(shown=np.ones_like(found.shown))
        assert text.soft_f1(seen, seen) == pytest.approx(1)
        assert 0 <= text(PAGE, FACTS, SIZE, seen) <= 1
        assert time.process_time() - started < 20


@pytest.mark.parametrize("edge", [-1e6, 0, 1e6])
def test_boxes_may_lie_anywhere(edge: float) -> None:
    far = Facts((Span("Net sales", (edge, edge, edge, edge)), Span("Net sales", (-1e6, -1e6, 1e6, 1e6))))
    assert measured(PAGE, far) == 0
    both = Facts((*FACTS.spans, *far.spans))
    assert measured(PAGE, both) == pytest.approx(1, abs=0.01)


def test_without_rapidfuzz_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz.process", None)
    with pytest.raises(ConfigError, match=r"'text'.*rapidfuzz.*pip install.*\[robust\]"):
        load_component("text", {})
