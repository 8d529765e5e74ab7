"""The text of SVG documents: what it says and where it is, however the document puts it there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vincicoder.rendering import RenderPool
from vincicoder.rendering.facts import MAX_SPANS, Span
from vincicoder.similarity.ink import borne_out

NS = 'xmlns="http://www.w3.org/2000/svg"'
BLACK = (0, 0, 0)


def spans_of(pool: RenderPool, body: str, attributes: str = 'viewBox="0 0 200 100"') -> tuple[Image.Image, list[Span]]:
    render = pool.render(f"<svg {NS} {attributes}>{body}</svg>", "svg", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    assert not render.note
    return render.image, list(render.facts.spans)


def inked(image: Image.Image) -> tuple[float, float, float, float]:
    """Return where an image is not white."""
    rows, columns = np.nonzero(np.asarray(image.convert("L")) < 200)
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ('<text x="20" y="50">Sales</text>', 'viewBox="0 0 200 100"'),
        ('<text x="20" y="50">Sales</text>', 'viewBox="10 20 300 50"'),
        ('<text x="2" y="5" font-size="4">Sales</text>', 'viewBox="0 0 20 10" width="900" height="900"'),
        ('<text x="2" y="5" font-size="4">Sales</text>', 'viewBox="0 0 20 10" width="900" height="300"'),
        (
            '<text x="2" y="5" font-size="4">Sales</text>',
            'viewBox="0 0 20 10" width="900" height="300" preserveAspectRatio="xMaxYMin"',
        ),
        (
            '<text x="2" y="5" font-size="4">Sales</text>',
            'viewBox="0 0 20 10" width="900" height="300" preserveAspectRatio="none"',
        ),
        ('<text x="20" y="50">Sales</text>', 'width="700" height="200"'),
        ('<text x="100" y="50" text-anchor="middle" font-size="20">Sales</text>', 'viewBox="0 0 200 100"'),
        ('<text x="190" y="50" text-anchor="end" font-weight="bold">Sales</text>', 'viewBox="0 0 200 100"'),
        ('<text x="20" y="50" dominant-baseline="middle" font-family="serif">Sales</text>', 'viewBox="0 0 200 100"'),
        ('<text x="20" y="50" letter-spacing="4">Sales</text>', 'viewBox="0 0 200 100"'),
        ('<text x="20" y="50">Sa<tspan dy="-5" font-size="8">les</tspan></text>', 'viewBox="0 0 200 100"'),
        ('<text transform="rotate(-90 60 80)" x="60" y="80">Sales</text>', 'viewBox="0 0 200 100"'),
        ('<text transform="rotate(30 60 50)" x="60" y="50">Sales</text>', 'viewBox="0 0 200 100"'),
        (
            '<g transform="translate(20 10)"><g transform="scale(2 1.5) skewX(10)"><text y="30">Sales</text></g></g>',
            'viewBox="0 0 200 100"',
        ),
        ('<svg x="50" y="20" width="60" height="60" viewBox="0 0 30 30"><text x="2" y="20" font-size="9">Sales</text></svg>',
         'viewBox="0 0 200 100"'),
        ('<g opacity=".5"><text x="20" y="50">Sales</text></g>', 'viewBox="0 0 200 100"'),
        ('<defs><text id="t" x="20" y="50">Sales</text></defs><use href="#t" x="30" y="20"/>', 'viewBox="0 0 200 100"'),
    ],
)  # fmt: skip
def test_a_box_is_where_the_text_is_inked(pool: RenderPool, body: str, attributes: str) -> None:
    image, spans = spans_of(pool, body, attributes)
    assert "".join(span.text for span in spans) == "Sales"
    edges = np.array([span.box for span in spans])
    box = [*edges[:, :2].min(axis=0), *edges[:, 2:].max(axis=0)]
    turned = "rotate(30" in body or "skew" in body  # the corners of letters' boxes then stand out
    assert box == pytest.approx(inked(image), abs=4 if turned else 2)
    assert min(borne_out(spans, image)) > 0.9


def test_texts_are_told_apart_by_place_and_colour_and_keep_their_blanks(pool: RenderPool) -> None:
    body = (
        '<text x="10" y="30">Net  sales <tspan fill="#c00">fell</tspan> again</text>'
        '<text y="60"><tspan x="10">one</tspan><tspan x="150">far</tspan><tspan x="10" dy="20">below</tspan></text>'
        '<text x="10" y="95">销售 &amp; 人</text>'
    )
    _, spans = spans_of(pool, body)
    assert [(span.text, span.colour) for span in spans] == [
        ("Net sales", BLACK),
        ("fell", (204, 0, 0)),
        ("again", BLACK),
        ("one", BLACK),
        ("far", BLACK),
        ("below", BLACK),
        ("销售 & 人", BLACK),
    ]


def test_what_is_painted_by_a_gradient_or_outlined_has_no_colour_and_counts(pool: RenderPool) -> None:
    body = (
        '<defs><linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient></defs>'
        '<text x="10" y="40" fill="url(#g)">painted</text>'
        '<text x="10" y="80" fill="none" stroke="black" stroke-width=".4">outlined</text>'
    )
    image, spans = spans_of(pool, body)
    assert [span.colour for span in spans] == [None, None]
    assert min(borne_out(spans, image)) > 0.9


TEXT = '<text x="20" y="50" {}>Net sales 2024</text>'


@pytest.mark.parametrize(
    "body",
    [
        TEXT.format('fill="white"'),
        TEXT.format('fill-opacity="0.004"'),
        TEXT.format('opacity="0.004"'),
        TEXT.format('font-size="0"'),
        TEXT.format('font-size="0.1"'),
        TEXT.format('visibility="hidden"'),
        TEXT.format('display="none"'),
        TEXT.format('transform="translate(500 0)"'),
        TEXT.format('transform="scale(0)"'),
        TEXT.format('transform="scale(1e30)"'),
        TEXT.format('clip-path="url(#c)"') + '<clipPath id="c"><rect width="9" height="9"/></clipPath>',
        TEXT.format("") + '<rect width="200" height="100" fill="#eef"/>',
        TEXT.format("") + '<rect width="200" height="100"/>',
        '<rect width="200" height="100"/>' + TEXT.format(""),
        '<path d="M0 46H200" stroke="black"/>' + TEXT.format('fill-opacity="0.004"'),
        '<path d="M0 46H200" stroke="black"/>' + TEXT.format('fill="white"'),
        "<defs>" + TEXT.format("") + "</defs>",
    ],
)
def test_invisible_text_is_not_borne_out(pool: RenderPool, body: str) -> None:
    image, spans = spans_of(pool, body)
    assert max(borne_out(spans, image), default=0) < 0.1


def test_hostile_amounts_of_text_are_cut_and_the_image_stands(pool: RenderPool) -> None:
    many = "".join(f'<text x="{n % 50 * 4}" y="{5 + n // 50}" font-size="2">{n}</text>' for n in range(3_000))
    assert len(spans_of(pool, many)[1]) == MAX_SPANS
    image, spans = spans_of(pool, f'<text y="50" font-size="9">{"x" * 20_000}</text>')
    assert [len(span.text) for span in spans] == [20_000]
    assert borne_out(spans, image)[0] < 0.1
