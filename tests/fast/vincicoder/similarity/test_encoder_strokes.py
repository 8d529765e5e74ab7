"""What `strokes` sees and `embedded` does not."""

from __future__ import annotations

import io

import cairosvg
import matplotlib
import pytest
from PIL import Image, ImageFilter

from vincicoder.similarity import Similarity, load_encoder

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def visual(target: Image.Image, render: Image.Image, encoder: str = "strokes") -> float:
    similarity = Similarity(load_encoder(encoder))
    [comparison] = similarity.compare([similarity.prepare(target, render, "t")])
    return comparison.visual()


def chart(last: int = 6, title: str = "Sales", dpi: int = 100) -> Image.Image:
    figure, axes = plt.subplots(figsize=(6.4, 4.8))
    axes.plot([3, 7, 2, 9, 5, last], marker="o")
    axes.set_title(title)
    axes.set_xlabel("Region")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    plt.close(figure)
    return Image.open(buffer).convert("RGB")


def badge(glyph: str = "M25 60 L50 25 L75 60 Z", width: int = 512) -> Image.Image:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><circle cx="50" cy="50" r="44" fill="#2a6"/>'
        f'<path d="{glyph}" fill="none" stroke="white" stroke-width="5"/></svg>'
    )
    png = cairosvg.svg2png(bytestring=svg.encode(), output_width=width, background_color="white")
    return Image.open(io.BytesIO(png)).convert("RGB")


DRAWINGS = pytest.mark.parametrize("target", [chart(), badge()], ids=["chart", "badge"])


def mosaic(image: Image.Image, columns: int, rows: int) -> Image.Image:
    return image.resize((columns, rows), Image.Resampling.BOX).resize(image.size, Image.Resampling.NEAREST)


@DRAWINGS
def test_an_image_is_like_itself_and_nearly_like_itself_at_another_resolution(target: Image.Image) -> None:
    assert visual(target, target) == 1.0
    smaller = target.resize((target.width * 97 // 100, target.height * 97 // 100), Image.Resampling.LANCZOS)
    assert visual(target, smaller) > 0.95


@DRAWINGS
def test_a_small_shift_costs_little(target: Image.Image) -> None:
    moved = Image.new("RGB", target.size, "white")
    moved.paste(target, (2, 1))
    assert visual(target, moved) > 0.98


@DRAWINGS
def test_a_mosaic_a_blur_and_a_tiny_copy_are_clearly_lower_than_in_embedded(target: Image.Image) -> None:
    copies = [
        mosaic(target, 48, 36),
        mosaic(target, 32, 24),
        target.filter(ImageFilter.GaussianBlur(8)),
        target.resize((24, 18), Image.Resampling.BICUBIC),
    ]
    for copy in copies:
        seen = visual(target, copy)
        assert seen < 0.92
        assert seen < visual(target, copy, "embedded") - 0.08


@DRAWINGS
def test_a_coarser_mosaic_is_lower(target: Image.Image) -> None:
    scores = [visual(target, mosaic(target, columns, columns * 3 // 4)) for columns in (192, 96, 48)]
    assert 1 > scores[0] > scores[1] > scores[2]


def test_honest_work_with_a_mistake_beats_every_copy_of_pixels() -> None:
    for target, mistakes in (
        (chart(), [chart(last=3), chart(title="Costs of all the regions")]),
        (badge(), [badge("M25 60 L50 25 L75 60"), badge("M30 65 L50 30 L70 65 Z")]),
    ):
        copies = [visual(target, mosaic(target, 48, 36)), visual(target, target.filter(ImageFilter.GaussianBlur(6)))]
        assert min(visual(target, each) for each in mistakes) > max(copies) + 0.05


@pytest.mark.parametrize("colour", ["white", "black", "#1e2a3a"])
def test_blank_is_like_blank_and_unlike_a_drawing(colour: str) -> None:
    blank = Image.new("RGB", (512, 512), colour)
    assert visual(blank, blank) == 1.0
    assert visual(badge(), blank) < 0.65
    assert visual(blank, badge()) < 0.65


def test_unrelated_drawings_are_far_below_a_mistake() -> None:
    assert visual(chart(), badge()) < 0.75
    assert visual(badge(), chart()) < 0.75
