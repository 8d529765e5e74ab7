"""The shapes of SVG documents: where CairoSVG paints them, and only what it paints."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vincicoder.rendering import RenderPool
from vincicoder.rendering.facts import MAX_MARKS, Mark

NS = 'xmlns="http://www.w3.org/2000/svg"'


def marks_of(pool: RenderPool, body: str, attributes: str = 'viewBox="0 0 200 100"') -> tuple[Image.Image, list[Mark]]:
    render = pool.render(f"<svg {NS} {attributes}>{body}</svg>", "svg", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    assert not render.note
    return render.image, list(render.facts.marks)


def inked(image: Image.Image) -> tuple[float, float, float, float]:
    """Return where an image is not white."""
    rows, columns = np.nonzero(np.asarray(image.convert("L")) < 200)
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def around(mark: Mark) -> tuple[float, float, float, float]:
    across, down = zip(*mark.points, strict=True)
    return min(across), min(down), max(across), max(down)


@pytest.mark.parametrize(
    "body",
    [
        '<rect x="20" y="30" width="60" height="40"/>',
        '<rect width="30" height="20" transform="translate(60 10) rotate(30) scale(2)"/>',
        '<circle cx="60" cy="50" r="30"/>',
        '<path d="M20 80 C 40 0 90 0 120 80 Z"/>',
        '<g transform="translate(30 10)"><polygon points="0,0 50,10 20,60"/></g>',
        '<defs><rect id="a" width="30" height="40"/></defs><use href="#a" x="90" y="20"/>',
    ],
)
def test_the_outline_of_a_shape_is_where_its_ink_is(pool: RenderPool, body: str) -> None:
    image, [mark] = marks_of(pool, body)
    assert mark.filled
    assert around(mark) == pytest.approx(inked(image), abs=2)


def test_a_line_is_no_area_and_an_area_with_an_outline_is_one_mark(pool: RenderPool) -> None:
    _, marks = marks_of(
        pool,
        '<polyline points="10,10 60,80 90,20" fill="none" stroke="red" stroke-width="3"/>'
        '<rect x="100" y="10" width="40" height="40" fill="blue" stroke="black"/>',
    )
    assert [(mark.filled, len(mark.points)) for mark in marks] == [(False, 3), (True, 5)]
    assert marks[0].points[1] == pytest.approx((60 * 2.56, 80 * 2.56), abs=0.1)
    assert [mark.width for mark in marks] == [pytest.approx(3 * 2.56, abs=0.1), 0]


def test_a_transform_makes_a_line_wider(pool: RenderPool) -> None:
    _, [mark] = marks_of(
        pool, '<path d="M5 5 20 20" fill="none" stroke="red" stroke-width="2" transform="rotate(9) scale(3)"/>'
    )
    assert mark.width == pytest.approx(2 * 3 * 2.56, abs=0.1)


@pytest.mark.parametrize(
    "body",
    [
        '<rect width="50" height="50" fill="none"/>',
        '<rect width="50" height="50" fill-opacity="0"/>',
        '<rect width="50" height="50" display="none"/>',
        '<rect width="50" height="50" visibility="hidden"/>',
        '<defs><rect width="50" height="50"/></defs>',
        '<rect x="300" width="50" height="50"/>',
        "<text>Sales</text>",
    ],
)
def test_what_is_not_painted_is_no_mark(pool: RenderPool, body: str) -> None:
    assert marks_of(pool, body)[1] == []


def test_thousands_of_shapes_stay_within_limits(pool: RenderPool) -> None:
    many = "".join(f'<circle cx="{n % 200}" cy="{n % 100}" r="3"/>' for n in range(3_000))
    assert len(marks_of(pool, many)[1]) == MAX_MARKS
