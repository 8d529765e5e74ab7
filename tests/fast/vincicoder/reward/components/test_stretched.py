"""The component `stretched`: where ink is counts, and an empty page is where the scale begins."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from vincicoder.reward.components.stretched import Stretched
from vincicoder.similarity import Comparison, Similarity, blank_page, load_encoder

WIDE = (896, 448)  # two tiles side by side


def page(*boxes: tuple[int, int, int, int], size: tuple[int, int] = WIDE, colour: str = "white") -> Image.Image:
    image = Image.new("RGB", size, colour)
    for box in boxes:
        image.paste("black", box)
    return image


def measured(
    target: Image.Image,
    render: Image.Image,
    tiles: tuple[float, ...],
    blank: tuple[float, ...],
    coarse: tuple[float, float] = (0.0, 0.0),
    **options: float,
) -> float:
    grid = (len(tiles), 1)
    stretched = Stretched(**options)
    comparison = Comparison(coarse[0], sum(tiles) / len(tiles), grid, tiles)
    blank_comparison = Comparison(coarse[1], sum(blank) / len(blank), grid, blank)
    return stretched(render, comparison, blank_comparison, stretched.prepare(target))


def test_each_tile_counts_by_the_square_root_of_its_ink() -> None:
    target = page((20, 20, 420, 420), (500, 20, 700, 220))  # four times as much ink in the left tile
    # (2 * 0.9 + 0.6) / 3 = 0.8 over a baseline of (2 * 0.5 + 0.8) / 3 = 0.6
    assert measured(target, target, (0.9, 0.6), (0.5, 0.8), coarse_weight=0) == pytest.approx(0.5)


def test_the_thumbnails_have_a_quarter() -> None:
    target = page((8, 8, 440, 440), (456, 8, 888, 440))  # as much ink in either tile
    # 0.75 * (0.9 + 0.5) / 2 + 0.25 * 0.8 = 0.725 over 0.75 * 0.4 + 0.25 * 0.6 = 0.45
    assert measured(target, target, (0.9, 0.5), (0.4, 0.4), (0.8, 0.6)) == pytest.approx(0.275 / 0.55)


def test_a_tile_that_only_the_render_fills_counts_as_if_the_target_did() -> None:
    target, render = page((0, 8, 400, 440)), page((0, 8, 400, 440), (488, 8, 888, 440))
    # 0.75 * (1 + 0.2) / 2 + 0.25 over a baseline of 0.75 * 0.5 (the right tile is empty in both) + 0.25 * 0.5
    assert measured(target, render, (1.0, 0.2), (0.5, 1.0), (1.0, 0.5)) == pytest.approx(0.4)
    assert measured(target, target, (1.0, 0.2), (0.5, 1.0), (1.0, 0.5)) == pytest.approx(1.0)


def test_below_an_empty_page_there_is_nothing_to_lose() -> None:
    target = page((0, 8, 896, 440))
    assert measured(target, target, (0.3, 0.3), (0.5, 0.5), (0.3, 0.5)) == 0
    assert measured(target, blank_page(target), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5)) == 0
    assert measured(target, target, (1.0, 1.0), (0.5, 0.5), (1.0, 0.5)) == 1


def test_an_empty_target_has_nothing_to_stretch_from() -> None:
    assert measured(page(), page((0, 0, 9, 9)), (0.7, 1.0), (1.0, 1.0), (0.9, 1.0), coarse_weight=0) == pytest.approx(
        0.7
    )
    assert measured(page(), page(), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)) == 1


def test_colours_that_differ_from_the_background_as_little_as_lossy_files_do_are_no_ink() -> None:
    target = page((0, 8, 400, 440))
    noisy = target.copy()
    ImageDraw.Draw(noisy).rectangle((448, 0, 896, 448), fill=(255, 235, 255))
    visible = target.copy()
    ImageDraw.Draw(visible).rectangle((448, 0, 896, 448), fill=(255, 234, 255))
    scores = [measured(target, each, (1.0, 0.2), (0.5, 1.0), coarse_weight=0) for each in (noisy, visible)]
    assert scores[0] == pytest.approx(1)
    assert scores[1] < 0.5


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (2000, 2)])
def test_any_size_of_target_is_measured(size: tuple[int, int]) -> None:
    similarity = Similarity(load_encoder("embedded"))
    target, stretched = page((0, 0, 1, 1), size=size, colour="red"), Stretched()
    pages = [similarity.prepare(target, each, "target") for each in (target, blank_page(target))]
    comparison, blank = similarity.compare(pages)
    assert stretched(target, comparison, blank, stretched.prepare(target)) == pytest.approx(1)


def test_the_worse_the_render_the_lower_the_score() -> None:
    similarity, stretched = Similarity(load_encoder("embedded")), Stretched()
    target = page((100, 100, 300, 300), (500, 50, 800, 200), (500, 300, 600, 400))
    renders = [
        target,
        page((100, 100, 300, 300), (500, 50, 800, 200)),
        page((100, 100, 300, 300)),
        page((0, 400, 896, 448)),
    ]
    pages = [similarity.prepare(target, each, "target") for each in (*renders, blank_page(target))]
    *comparisons, blank = similarity.compare(pages)
    prepared = stretched.prepare(target)
    scores = [stretched(*pair, blank, prepared) for pair in zip(renders, comparisons, strict=True)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize("coarse_weight", [-0.1, 1.1, float("nan")])
def test_a_share_outside_its_range_is_refused(coarse_weight: float) -> None:
    with pytest.raises(ValueError, match="coarse_weight"):
        Stretched(coarse_weight)
