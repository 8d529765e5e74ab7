"""What pixels bear out: ink under a box, its colour, its contrast, and how much of the box is in the image."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageFont

from vincicoder.rendering.facts import Span
from vincicoder.similarity.ink import borne_out

FONT = ImageFont.load_default(16)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def written(
    text: str = "Net sales",
    ink: tuple[int, int, int] = BLACK,
    page: tuple[int, int, int] = WHITE,
    at: tuple[int, int] = (50, 40),
) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """Return an image with a text, and the box of its ink."""
    image = Image.new("RGB", (300, 100), page)
    draw = ImageDraw.Draw(image)
    draw.text(at, text, ink, FONT)
    left, top, right, bottom = draw.textbbox(at, text, FONT)
    return image, (left, top, right, bottom)


@pytest.mark.parametrize("colour", [BLACK, None])
@pytest.mark.parametrize("text", ["Net sales", "0", "10", "-", "l", ".", "2024-01"])
def test_honest_text_is_borne_out_by_tight_and_by_loose_boxes(text: str, colour: tuple[int, int, int] | None) -> None:
    image, (left, top, right, bottom) = written(text)
    tight, loose = (left, top, right, bottom), (left - 4, top - 5, right + 4, bottom + 5)
    assert min(borne_out([Span(text, tight, colour), Span(text, loose, colour)], image)) > 0.9


@pytest.mark.parametrize(
    ("ink", "page"), [(WHITE, (30, 60, 120)), ((170, 170, 170), WHITE), ((255, 230, 0), BLACK), ((200, 0, 0), (255, 200, 200))]
)  # fmt: skip
def test_any_pair_of_colours_that_can_be_read_will_do(ink: tuple[int, int, int], page: tuple[int, int, int]) -> None:
    image, box = written(ink=ink, page=page)
    assert borne_out([Span("Net sales", box, ink)], image)[0] > 0.9


def test_text_is_compared_with_what_is_around_it_and_not_with_the_page() -> None:
    image, box = written(ink=WHITE, page=WHITE)
    hidden = borne_out([Span("Net sales", box, WHITE)], image)
    image.paste((30, 60, 120), (40, 30, 160, 70))
    ImageDraw.Draw(image).text((50, 40), "Net sales", WHITE, FONT)
    assert (hidden, borne_out([Span("Net sales", box, WHITE)], image)[0] > 0.9) == ([0.0], True)


def test_contrast_counts_by_degrees() -> None:
    shades = [255, 247, 238, 229, 200]
    scores = []
    for shade in shades:
        image, box = written(ink=(shade, shade, shade))
        scores += borne_out([Span("Net sales", box, (shade, shade, shade))], image)
    assert scores == sorted(scores)
    assert scores[0] == 0
    assert scores[-1] > 0.9


def test_text_counts_by_how_much_of_it_is_inside_the_image() -> None:
    image, (left, top, right, bottom) = written(at=(-20, 40))
    [half] = borne_out([Span("Net sales", (left, top, right, bottom), BLACK)], image)
    assert half == pytest.approx(right / (right - left), abs=0.05)
    assert borne_out([Span("a", (400, 0, 420, 9), BLACK), Span("a", (-30, 0, -5, 9), BLACK)], image) == [0, 0]


def test_ink_of_another_colour_bears_nothing_out() -> None:
    image, box = written(ink=(0, 0, 255))
    assert borne_out([Span("Net sales", box, (255, 0, 0))], image)[0] < 0.1


def test_what_is_too_small_for_its_letters_cannot_be_read() -> None:
    image, (left, top, right, bottom) = written("Nets")
    assert borne_out([Span("Net sales of all our shops" * 40, (left, top, right, bottom), BLACK)], image)[0] < 0.1


def test_shapes_are_no_text() -> None:
    image = Image.new("RGB", (300, 100), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 100, 40), BLACK)
    draw.line((150, 30, 300, 30), BLACK, 2)
    boxes = [(20, 20, 101, 41), (30, 25, 90, 38), (160, 20, 260, 40)]
    assert max(borne_out([Span("Net sales", box, BLACK) for box in boxes], image)) < 0.1


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 0), (5, 5, 5, 9), (-1e6, -1e6, 1e6, 1e6), (1e6, 1e6, 1e6, 1e6), (10.2, 10.2, 10.3, 10.3)]
)
def test_boxes_of_any_size_and_place_give_a_score_near_zero(box: tuple[float, float, float, float]) -> None:
    image, _ = written()
    assert 0 <= borne_out([Span("Net sales", box, BLACK)], image)[0] < 0.1


def test_each_span_is_judged_by_itself() -> None:
    image, box = written()
    spans = [Span("Net sales", box, BLACK), Span("missing", (200, 70, 280, 90), BLACK)]
    alone = [borne_out([span], image)[0] for span in spans]
    assert borne_out(spans * 1_000, image) == alone * 1_000
    assert borne_out([], image) == []
