"""The component `values`: bars, lines and points in their places and sizes, as far as they can be seen."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vincicoder.rendering.facts import MAX_MARKS, MAX_POINTS, Facts, Mark
from vincicoder.reward.components.values import Shapes, Values

SIZE = (400, 300)
HEIGHTS = (120, 200, 80, 160)
COLOURS = ("#1f77b4", "#ff7f0e", "#1f77b4", "#ff7f0e")


def box(left: float, top: float, right: float, bottom: float) -> Mark:
    return Mark(((left, top), (right, top), (right, bottom), (left, bottom)), True)


def chart(
    heights: tuple[float, ...] = HEIGHTS,
    colours: tuple[str, ...] = COLOURS,
    line: tuple[float, ...] = (),
    at: tuple[float, float] = (0, 0),
    size: tuple[int, int] = SIZE,
) -> tuple[Image.Image, Facts]:
    """Return bars, and a line if there is one, and what a renderer says of them."""
    image, marks = Image.new("RGB", size, "white"), []
    draw = ImageDraw.Draw(image)
    for place, (height, colour) in enumerate(zip(heights, colours, strict=False)):
        left = 40 + 80 * place + at[0]
        bar = (left, 260 - height + at[1], left + 50, 260 + at[1])
        draw.rectangle((bar[0], bar[1], bar[2] - 1, bar[3] - 1), colour)
        marks.append(box(*bar))
    points = tuple((65 + 80 * place + at[0], 260 - height + at[1]) for place, height in enumerate(line))
    if points:
        draw.line(points, "#d62728", 3)
        marks.append(Mark(points, False))
    return image, Facts(marks=tuple(marks))


def score(answer: tuple[Image.Image, Facts | None], known: tuple[Image.Image, Facts] | None = None) -> float:
    target, facts = known or chart()
    values = Values()
    prepared = values.prepare(target, facts, target.size)
    assert values.applies(prepared) and prepared is not None
    return values(target, answer[0], answer[1], answer[0].size, prepared)


def higher(bar: int, factor: float) -> tuple[float, ...]:
    return tuple(height * (factor if place == bar else 1) for place, height in enumerate(HEIGHTS))


def test_the_same_marks_score_one() -> None:
    assert score(chart()) == 1
    known = chart(line=(30, 90, 60, 120))
    assert score(known, known) == 1


def test_a_bar_that_is_an_eighth_too_high_is_seen_and_the_more_is_wrong_the_lower_the_score() -> None:
    scores = [score(chart(higher(2, factor))) for factor in (1, 1.05, 1.12, 1.3, 2)]
    assert scores == sorted(scores, reverse=True)
    assert scores[2] < 0.95
    factors = (1.12, 0.88, 0.88, 1.12)
    several = [
        score(chart(tuple(h * (factors[n] if n < wrong else 1) for n, h in enumerate(HEIGHTS)))) for wrong in range(5)
    ]
    assert several == sorted(several, reverse=True)
    assert several[4] < 0.6


def test_a_missing_bar_costs_recall_and_a_further_one_precision() -> None:
    # Two series of two bars; each bar counts for one over the root of their number.
    recall = (1 + 1 / math.sqrt(2) + 1 / math.sqrt(2)) / (4 / math.sqrt(2))
    fewer = score(chart(HEIGHTS[:3]))
    assert fewer == pytest.approx(2 * recall / (recall + 1), abs=0.02) or fewer < 2 * recall / (recall + 1)
    assert fewer < 0.95
    assert score(chart(), chart(HEIGHTS[:3])) < 0.95


def test_a_line_is_compared_by_its_course_and_not_by_how_many_points_it_has() -> None:
    heights = (30.0, 90.0, 60.0, 120.0)
    known = chart(line=heights)
    image, facts = known
    line = facts.marks[-1].points
    finer = tuple(
        (a[0] + (b[0] - a[0]) * part / 9, a[1] + (b[1] - a[1]) * part / 9)
        for a, b in itertools.pairwise(line)
        for part in range(10)
    )
    assert score((image, Facts(marks=(*facts.marks[:-1], Mark(finer, False)))), known) > 0.99
    off = [score(chart(line=(30, 90 * factor, 60, 120)), known) for factor in (1, 1.12, 1.5)]
    assert off == sorted(off, reverse=True)
    assert off[1] < 0.99


def test_colours_tell_the_series_apart() -> None:
    swapped = score(chart(colours=(*COLOURS[1:], COLOURS[0])))
    assert 0.2 < swapped < 0.5  # they are where they should be, after all
    assert 0.85 < score(chart(colours=("#2a80bb", "#ff8a20", "#2a80bb", "#ff8a20"))) < 1


def test_what_is_moved_as_a_whole_loses_little_and_loses_more_the_further_it_goes() -> None:
    scores = [score(chart(at=(far, -far / 2))) for far in (0, 6, 30, 80)]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > 0.99
    assert scores[3] < 0.9


def test_the_same_area_somewhere_else_counts_for_most_and_another_one_there_next_to_nothing() -> None:
    def single(area: Mark, colour: str = "navy") -> tuple[Image.Image, Facts]:
        image = Image.new("RGB", SIZE, "white")
        ImageDraw.Draw(image).polygon(area.points, colour)
        frame = box(0, 0, 20, 20), box(380, 280, 400, 300)  # so that it is not all shapes that move
        for corner in frame:
            ImageDraw.Draw(image).polygon(corner.points, "#888888")
        return image, Facts(marks=(*frame, area))

    def elsewhere(area: Mark, colour: str = "navy") -> float:
        """Return what the area is worth: two of three shapes, a series of their own, are right."""
        two = 2 / math.sqrt(2)
        return score(single(area, colour), single(box(40, 40, 140, 140))) * (two + 1) - two

    assert elsewhere(box(40, 40, 140, 140)) == pytest.approx(1)
    assert elsewhere(box(240, 150, 340, 250)) == pytest.approx(0.7, abs=0.02)
    sizes = [elsewhere(box(240, 150, 240 + side, 150 + side)) for side in (100, 75, 50, 25)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.01
    assert elsewhere(box(240, 150, 340, 250), "red") < 0.1
    disc = Mark(tuple((290 + 50 * (x - 200) / 100, 200 + 50 * (y - 150) / 100) for x, y in ring(100)), True)
    assert elsewhere(disc) < 0.35


def test_one_of_many_points_counts_little_anywhere_but_in_its_place() -> None:
    rng = np.random.default_rng(0)

    def scatter(count: int) -> tuple[Image.Image, Facts]:
        image, marks = Image.new("RGB", SIZE, "white"), []
        for x, y in rng.uniform((10, 10), (390, 290), (count, 2)).tolist():
            marks.append(box(x - 3, y - 3, x + 3, y + 3))
            ImageDraw.Draw(image).polygon(marks[-1].points, "navy")
        return image, Facts(marks=tuple(marks))

    assert score(scatter(40), scatter(40)) < 0.5


def test_marks_count_only_as_far_as_the_pixels_bear_them_out() -> None:
    blank = Image.new("RGB", SIZE, "white")
    assert score((blank, chart()[1])) == 0
    assert score((chart(HEIGHTS[:2])[0], chart()[1])) < 0.8
    # Claims of more than is there help nobody: what is not seen is not counted either way.
    claimed = Facts(marks=(*chart(HEIGHTS[:2])[1].marks, box(200, 20, 230, 60), box(300, 20, 340, 60)))
    assert score((chart(HEIGHTS[:2])[0], claimed)) == pytest.approx(score(chart(HEIGHTS[:2])))
    # The background is no mark.
    whole = Facts(marks=(box(0, 0, *SIZE), *chart()[1].marks))
    assert score((chart()[0], whole)) == 1


def ring(radius: float, count: int = 64) -> tuple[tuple[float, float], ...]:
    turns = (2 * math.pi * step / count for step in range(count))
    return tuple((200 + radius * math.cos(turn), 150 + radius * math.sin(turn)) for turn in turns)


@pytest.mark.parametrize("width", [2, 20, 60])
def test_a_line_of_any_width_counts_where_it_ends_in_the_pixels(width: int) -> None:
    image = Image.new("RGB", SIZE, "white")
    line = ((50, 60), (350, 240))
    ImageDraw.Draw(image).line(line, "navy", width)
    known = image, Facts(marks=(Mark(line, False, float(width)),))
    assert score(known, known) == 1
    moved = Image.new("RGB", SIZE, "white")
    further = ((50, 90), (350, 270))
    ImageDraw.Draw(moved).line(further, "navy", width)
    assert score((moved, Facts(marks=(Mark(further, False, float(width)),))), known) < 0.9
    assert score((moved, known[1]), known) <= score((moved, Facts(marks=(Mark(further, False, float(width)),))), known)


def test_other_shapes_that_give_the_same_pixels_are_as_good() -> None:
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((90, 40, 310, 260), "navy")
    draw.ellipse((110, 60, 290, 240), "white")
    circle = image, Facts(marks=(Mark((*ring(100), ring(100)[0]), False, 20.0),))
    discs = image, Facts(marks=(Mark(ring(110), True), Mark(ring(90), True)))
    assert score(discs, circle) == 1 == score(circle, discs)
    other = image.copy()
    ImageDraw.Draw(other).rectangle((190, 140, 209, 159), "navy")
    assert score((other, discs[1]), circle) < 0.1


@pytest.mark.parametrize("facts", [None, Facts(), Facts(marks=(box(-90, -90, -20, -20),))])
def test_a_render_without_marks_scores_zero(facts: Facts | None) -> None:
    assert score((chart()[0], facts)) == 0


def test_it_applies_only_where_the_target_shows_a_mark_of_the_reference() -> None:
    values = Values()
    image, facts = chart()
    assert values.applies(values.prepare(image, facts, SIZE))
    assert not values.applies(values.prepare(image, None, None))
    assert not values.applies(values.prepare(image, Facts(), SIZE))
    assert values.applies(values.prepare(image, Facts(marks=facts.marks[:1]), SIZE))
    assert not values.applies(values.prepare(image, Facts(marks=(box(300, 20, 340, 60),)), SIZE))
    assert not values.applies(values.prepare(Image.new("RGB", SIZE, "white"), facts, SIZE))


def test_images_of_other_sizes_are_compared_by_shares() -> None:
    image, facts = chart()
    values = Values()
    larger = Facts(
        marks=tuple(Mark(tuple((2 * x, 2 * y) for x, y in each.points), each.filled) for each in facts.marks)
    )
    prepared = values.prepare(image, facts, SIZE)
    assert values(image, image, larger, (800, 600), prepared) == pytest.approx(1)


def test_hostile_marks_take_no_long_time_and_give_a_score() -> None:
    rng = np.random.default_rng(0)

    def many(filled: bool) -> Facts:
        places = rng.uniform(-1e6 if filled else 0, 1e6 if filled else 300, (MAX_MARKS, MAX_POINTS, 2)).tolist()
        return Facts(marks=tuple(Mark(tuple((x, y) for x, y in points), filled) for points in places))

    flat = Facts(marks=(Mark(((5, 5), (5, 5)), True), Mark(((5, 5), (5, 5)), False)) * 250)
    noise = Image.fromarray(rng.integers(0, 255, (300, 400, 3), dtype=np.uint8))
    values = Values()
    started = time.process_time()
    for facts in (many(True), many(False), flat):
        prepared = values.prepare(noise, facts, SIZE)
        assert isinstance(prepared, Shapes)
        assert 0 <= values(noise, noise, facts, SIZE, prepared) <= 1
        assert 0 <= score((noise, facts)) <= 1
    assert time.process_time() - started < 20
