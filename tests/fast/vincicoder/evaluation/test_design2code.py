"""Design2Code: scores of constructed blocks, blocks of constructed pixels, and how a page is cleaned."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vincicoder.evaluation.benchmarks.design2code import BENCHMARK, complete, without_repetition
from vincicoder.evaluation.metrics import BadReference, _recoloured, design2code, design2code_clip
from vincicoder.evaluation.metrics._recoloured import Block, blocks_of, merged, recoloured
from vincicoder.evaluation.metrics.design2code import METRIC, scores
from vincicoder.rendering import Render
from vincicoder.status import Status

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
TITLE, TEXT = Block("welcome", (0.1, 0.1, 0.4, 0.1), BLACK), Block("a long story", (0.1, 0.5, 0.5, 0.2), BLACK)


def test_equal_blocks_give_the_maximum():
    assert scores([TITLE, TEXT], [TITLE, TEXT]) == dict.fromkeys(("block", "text", "position", "colour"), 1.0)


@pytest.mark.parametrize(("made", "wanted"), [([], [TITLE]), ([TITLE], []), ([TITLE], [TEXT])])
def test_where_nothing_matches_all_is_0(made, wanted):
    assert scores(made, wanted) == METRIC.failed == dict.fromkeys(("block", "text", "position", "colour"), 0.0)


def test_a_missing_block_costs_its_area_only():
    values = scores([TITLE], [TITLE, TEXT])
    assert values["block"] == pytest.approx(0.08 / (0.08 + 0.1))
    assert values["text"] == values["position"] == values["colour"] == 1.0


def test_a_shift_costs_the_longer_way_of_the_centres():
    moved = Block("welcome", (0.3, 0.15, 0.4, 0.1), BLACK)
    assert scores([moved], [TITLE])["position"] == pytest.approx(0.8)


def test_colour_and_text_are_means_over_matches():
    other = Block("welcome!", TITLE.box, WHITE)
    values = scores([other, TEXT], [TITLE, TEXT])
    assert values["colour"] == pytest.approx(0.5)
    assert values["text"] == pytest.approx((2 * 7 / 15 + 1) / 2)


def test_neighbours_are_merged_where_that_makes_the_text_more_alike():
    halves = [Block("hello big", (0.1, 0.1, 0.2, 0.1), BLACK), Block("wide world", (0.3, 0.1, 0.2, 0.1), BLACK)]
    whole = [Block("hello big wide world", (0.1, 0.1, 0.4, 0.1), BLACK)]
    expected = pytest.approx(dict.fromkeys(("block", "text", "position", "colour"), 1.0))
    assert scores(halves, whole) == expected
    assert scores(whole, halves) == expected


def test_blocks_of_one_box_are_joined():
    parts = [Block("read", TITLE.box, BLACK), Block("more", TITLE.box, (10, 20, 30)), TEXT]
    assert merged(parts) == [Block("read more", TITLE.box, (5, 10, 15)), TEXT]


def test_a_page_with_endless_blocks_scores_0():
    assert scores([TITLE] * 1_001, [TITLE]) == METRIC.failed


PAGE = "<html><body><p style='color: red'>Hi <b>there</b></p><section>no colour</section></body></html>"


def test_texts_get_colours_of_their_own():
    page = recoloured(PAGE, 0)
    assert "color: #FAFAFA !important; opacity: 1.0 !important" in page
    assert page.count("background-color: rgba(255, 255, 255, 0.0) !important") == 5
    assert "red" not in page
    assert list(_recoloured._pieces(page)) == [("Hi", "#FAFAFA"), ("there", "#FAFAEA"), ("no colour", "#000000")]


def rendered_like_a_browser(code: str, language: str) -> Render:
    """Paint what the pieces of a page have for a colour where the two texts would stand."""
    pixels = np.full((40, 100, 3), 255, np.uint8)
    for (_, colour), box in zip(_recoloured._pieces(code), ((5, 10, 10, 30), (20, 30, 50, 90)), strict=False):
        top, bottom, left, right = box
        pixels[top:bottom, left:right] = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return Render(Status.OK, Image.fromarray(pixels))


def test_blocks_are_where_pixels_shift_with_the_colour():
    image = Image.new("RGB", (100, 40), "navy")
    first, second = blocks_of(PAGE, image, rendered_like_a_browser)
    assert first == Block("hi", (0.1, 5 / 40, 0.2, 5 / 40), (0, 0, 128))
    assert second == Block("there", (0.5, 20 / 40, 0.4, 10 / 40), (0, 0, 128))


@pytest.mark.parametrize("metric", [design2code, design2code_clip])
def test_a_reference_that_does_not_render_is_never_a_models_0(metric):
    with pytest.raises(BadReference, match=r"the reference does not render \(timeout\): too slow"):
        metric.prepare("<p>Hi", lambda code, language: Render(Status.TIMEOUT, message="too slow"))


def test_a_page_that_does_not_render_in_other_colours_has_no_blocks():
    failed = Render(Status.TIMEOUT)
    assert blocks_of("<p>Hi there", Image.new("RGB", (9, 9)), lambda code, language: failed) == []


def test_a_page_with_more_texts_than_colours_has_no_blocks():
    page = "<html><body>" + "<p>a</p>" * 4_097
    assert blocks_of(page, Image.new("RGB", (9, 9)), rendered_like_a_browser) == []


def test_a_page_in_a_loop_ends_where_it_begins():
    random = np.random.default_rng(0)
    story = "".join(chr(97 + letter) for letter in random.integers(0, 26, 1_200))
    loop = "the same words over and over, " * 40
    cut = without_repetition(f"<p>{story}</p><div>{loop}</div>")
    assert cut.startswith(f"<p>{story}")
    assert cut.count("the same words") < 10
    assert without_repetition(f"<p>{story}</p>") == f"<p>{story}</p>"


def test_markup_that_no_parser_takes_is_the_pages_fault():
    page = "<html><body><p>Hi</p><![n ]></body></html>"
    assert complete(page) in (page, "<html><body><p>Hi</p></body></html>")  # newer parsers take it
    assert isinstance(blocks_of(page, Image.new("RGB", (100, 40)), rendered_like_a_browser), list)


@pytest.mark.parametrize("colour", ["rgb(-1, 0, 0)", "#-1-1-1", "rgb(0)", "#", "rgb(999999, 0, 0)"])
def test_a_colour_that_is_none_has_no_block(colour):
    pages = iter(Image.new("RGB", (20, 20), (level,) * 3) for level in (10, 60))
    page = f"<html><body><section style='color: {colour}'>x</section></body></html>"
    assert blocks_of(page, Image.new("RGB", (20, 20)), lambda code, language: Render(Status.OK, next(pages))) == []


def test_equal_elements_beyond_fifty_are_dropped():
    page = complete("<html><body>" + "<i>x</i>" * 60 + "</body></html>")
    assert page.count("<i>x</i>") == 50


def test_samples_of_both_layouts(tmp_path):
    (tmp_path / "2.html").write_text("<p>Hi")
    Image.new("RGB", (4, 4)).save(tmp_path / "2.png")
    (sample,) = BENCHMARK.load(tmp_path)
    assert (sample.id, sample.reference, sample.target) == ("2", "<p>Hi", tmp_path / "2.png")
    import pyarrow
    import pyarrow.parquet

    (tmp_path / "data").mkdir()
    table = pyarrow.table({"image": [{"bytes": b"image"}], "text": ["<p>Ho"]})
    pyarrow.parquet.write_table(table, tmp_path / "data" / "train-00000.parquet")
    (sample,) = BENCHMARK.load(tmp_path / "data")
    assert (sample.id, sample.reference, sample.target) == ("0", "<p>Ho", b"image")
