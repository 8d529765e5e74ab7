"""The text and the marks of pages and plotly figures: what the browser has laid out, and nothing that a script makes up."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from rendered import image_in

from vincicoder.rendering import RenderPool
from vincicoder.rendering.facts import MAX_SPANS, Facts, Span
from vincicoder.rendering.sandbox.client import ForkServer
from vincicoder.similarity.ink import borne_out
from vincicoder.similarity.outlines import shapes_of

WORD = "<body style='margin:0'><div style='position:absolute;left:300px;top:200px;font-size:30px{}'>Sales</div>"
BLACK = (0, 0, 0)


def shown(server: ForkServer, code: str, **options: object) -> tuple[Image.Image, list[Span]]:
    result = server.run(code, options, facts=True)
    image = image_in(result)
    assert isinstance(result.facts, Facts), result.note
    return image, list(result.facts.spans)


def inked(image: Image.Image) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(np.asarray(image.convert("L")) < 160)
    return int(columns.min()), int(rows.min()), int(columns.max() + 1), int(rows.max() + 1)


@pytest.mark.parametrize(
    ("style", "options"),
    [
        ("", {}),
        ("", {"width": 700, "height": 500, "scale": 2}),
        (";color:#c00000", {}),
        (";transform:scale(2)", {}),
        (";zoom:1.5", {}),
        (";opacity:.7", {}),
        (";text-transform:none;font-family:serif;letter-spacing:9px", {}),
    ],
)
def test_a_box_is_where_the_text_is(browser: ForkServer, style: str, options: dict[str, object]) -> None:
    image, [span] = shown(browser, WORD.format(style), **options)
    assert span.text == "Sales"
    left, top, right, bottom = span.box
    ink = inked(image)
    bearing = 12 if "letter" in style else 4  # space of the letters themselves
    assert left - 2 <= ink[0] <= left + bearing
    assert right - 2 * bearing <= ink[2] <= right + 2
    assert top - 2 <= ink[1] < ink[3] <= bottom + 2
    assert ink[3] - ink[1] > 0.5 * (bottom - top)
    assert borne_out([span], image)[0] > 0.9


def test_a_scrolled_page_has_its_text_where_its_image_has_it(browser: ForkServer) -> None:
    body = WORD.format("") + "<div style='height:3000px'></div><script>scrollTo(0, 999)</script>"
    image, [span] = shown(browser, body)
    assert image.height == 3000
    assert borne_out([span], image)[0] > 0.9


def test_each_node_of_text_is_one_span_as_it_is_shown(browser: ForkServer) -> None:
    code = (
        "<h1 style='color:#c00'>Title</h1><p>one  two <b>bold</b> &amp; 人😀x</p>"
        "<p style='width:90px;text-transform:uppercase'>several lines of text</p>"
        "<style>.q::before{content:'pseudo '}</style><p class='q'>after it</p><button>Go</button>"
        "<svg width='200' height='50'><text x='9' y='30' fill='blue'>in SVG</text></svg>"
        "<p style='background:linear-gradient(red,red);background-clip:text;-webkit-text-fill-color:transparent'>red</p>"
        "<div id='h'></div><script>h.attachShadow({mode: 'closed'}).innerHTML = '<p>shadow</p>'</script>"
        "<p hidden>none</p><p style='visibility:hidden'>hidden</p><script>'script'</script><title>title</title>"
    )
    image, spans = shown(browser, code)
    assert [(span.text, span.colour) for span in spans] == [
        ("Title", (204, 0, 0)),
        ("one two", BLACK),
        ("bold", BLACK),
        ("& 人😀x", BLACK),
        ("SEVERAL LINES OF TEXT", BLACK),
        ("pseudo", BLACK),
        ("after it", BLACK),
        ("Go", BLACK),
        ("in SVG", (0, 0, 255)),
        ("red", None),
        ("shadow", BLACK),
    ]
    assert min(borne_out(spans, image)) > 0.9


@pytest.mark.parametrize(
    "style",
    [
        ";color:white",
        ";color:transparent",
        ";opacity:.004",
        ";color:rgba(0,0,0,.004)",
        ";font-size:0",
        ";font-size:1px",
        ";left:-9999px",
        ";clip-path:circle(0)",
        ";transform:scale(0)",
        ";height:0;overflow:hidden",
        "'>Sales</div><div style='position:absolute;inset:0;background:#eef'></div><div hidden id='",
    ],
)
def test_invisible_text_is_not_borne_out(browser: ForkServer, style: str) -> None:
    image, spans = shown(browser, WORD.format(style))
    assert max(borne_out(spans, image), default=0) < 0.1


@pytest.mark.parametrize(
    "script",
    [
        "for (const c of [Text, CharacterData, Range, CSSStyleDeclaration, DOMRect, HTMLElement]) for (const n of"
        " Object.getOwnPropertyNames(c.prototype)) try { Object.defineProperty(c.prototype, n, {get() { throw 1 }}) }"
        " catch {}",
        "window.getComputedStyle = () => { throw 1 }; JSON.stringify = () => '[]'; Array.prototype.map = null",
        "Element.prototype.getBoundingClientRect = () => ({x: 1, y: 1, width: 9, height: 9});"
        "Object.defineProperty(Node.prototype, 'textContent', {get: () => 'forged'})",
        "document.createTreeWalker = document.createRange = Range.prototype.getClientRects = () => { throw 1 }",
        "Object.prototype.text = 'forged'; Object.prototype.toJSON = () => 'forged'",
    ],
)
def test_no_script_changes_what_is_read(browser: ForkServer, script: str) -> None:
    plain = shown(browser, WORD.format(""))[1]
    assert shown(browser, f"{WORD.format('')}<script>{script}</script>")[1] == plain


def test_thousands_of_texts_and_a_huge_one_stay_within_limits(browser: ForkServer) -> None:
    assert len(shown(browser, "<b>word</b> <i>word</i> " * 5_000)[1]) == MAX_SPANS
    image, spans = shown(browser, f"<p style='font-size:3px'>{'word ' * 20_000}</p><p>after")
    assert [len(span.text) for span in spans] == [99_999, 5]
    assert borne_out(spans, image)[1] > 0.9


def test_a_page_is_the_same_image_with_facts_and_without(browser: ForkServer) -> None:
    code = WORD.format("") + "<canvas></canvas>"
    without = browser.run(code)
    assert without.facts is None
    assert shown(browser, code)[0].tobytes() == image_in(without).tobytes()


@pytest.mark.parametrize("scale", [1, 2])
def test_a_plotly_figure_says_its_text_in_the_pixels_of_its_image(pool: RenderPool, scale: int) -> None:
    code = (
        "import plotly.express as px\nf = px.bar(x=['north', 'south'], y=[3, 5], title='Sales 2024', text=['3.1', '5.2'])\n"
        f"f.write_image('a.png', width=600, height=400, scale={scale})"
    )
    render = pool.render(code, "python", facts=True)
    assert render.image is not None, render
    assert render.image.size == (600 * scale, 400 * scale)
    assert render.facts is not None
    spans = render.facts.spans
    assert {"north", "south", "Sales 2024", "3.1", "5.2", "x", "y"} <= {span.text for span in spans}
    assert min(borne_out(spans, render.image)) > 0.9


SHAPES = (
    "<body style='margin:0'><svg width='400' height='300'>"
    "<rect x='20' y='30' width='60' height='90' fill='navy'/><path d='M100 20H140V80H100Z' fill='red'/>"
    "<g transform='translate(200 50)'><circle r='30'/></g><path d='M20 200L90 250L160 190' fill='none' stroke='black'/>"
    "<rect width='9' height='9' fill='none'/><rect width='9' height='9' visibility='hidden'/>"
    "<defs><rect width='9' height='9'/></defs></svg>"
)


def test_the_shapes_of_a_page_are_in_the_pixels_of_its_image_and_no_script_can_change_them(browser: ForkServer) -> None:
    script = (
        "<script>SVGElement.prototype.getScreenCTM = () => null; SVGRectElement.prototype.getBBox = () => 1 / 0;"
        "document.querySelectorAll = Document.prototype.querySelectorAll = () => []; Array.from = () => [];</script>"
        "<img name='querySelectorAll'>"
    )
    result = browser.run(SHAPES + script, {}, facts=True)
    assert isinstance(result.facts, Facts), result.note
    boxes = [
        (mark.filled, *(round(f(each)) for f in (min, max) for each in zip(*mark.points, strict=True)))
        for mark in result.facts.marks
    ]
    expected = [(True, 20, 30, 80, 120), (True, 100, 20, 140, 80), (True, 170, 20, 230, 80), (False, 20, 190, 160, 250)]
    assert boxes == expected


def test_backgrounds_borders_and_images_of_a_page_are_shapes_and_what_cannot_be_seen_is_not_borne_out(
    pool: RenderPool,
) -> None:
    box = "position: absolute; width: 100px; height: 60px"
    code = (
        f"<div style='{box}; left: 20px; top: 20px; background: navy; border-bottom: 4px solid red'></div>"
        f"<form style='{box}; left: 220px; top: 20px; border: 2px solid green'>"
        "<input name='getBoundingClientRect' style='display: none'></form>"
        f"<p style='{box}; left: 420px; top: 20px; margin: 0; border-left: 2px solid black'></p>"
        f"<img style='{box}; left: 620px; top: 20px' src='photo.jpg'>"
        f"<div style='{box}; left: 20px; top: 120px; background: rgba(0, 0, 255, 0.04)'></div>"
        f"<div style='{box}; left: 220px; top: 120px; background: blue; visibility: hidden'></div>"
        f"<div style='{box}; left: 420px; top: 120px; background: transparent'>words</div>"
    )
    render = pool.render(code, "html", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    found = [(mark.filled, mark.points[0], mark.width) for mark in render.facts.marks]
    areas, lines = shapes_of(render.facts.marks, render.image.size, render.image)
    assert [each for each in found if each[0]] == [(True, (20, 20), 0), (True, (620, 20), 0), (True, (20, 120), 0)]
    assert [each for each in found if not each[0]] == [
        (False, (20, 82), 4), (False, (220, 20), 2), (False, (421, 20), 2),
    ]  # fmt: skip
    assert areas.shown.tolist() == [1, 1, 0]
    assert lines.shown.tolist() == [1, 1, 1]


def test_a_plotly_figure_says_what_it_plots_and_not_its_axes(pool: RenderPool) -> None:
    code = (
        "import plotly.graph_objects as go\n"
        "f = go.Figure([go.Bar(x=['a', 'b'], y=[3, 5]), go.Scatter(x=['a', 'b'], y=[1, 2], mode='lines')])\n"
        "f.write_image('a.png', width=600, height=400)"
    )
    render = pool.render(code, "python", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    assert [mark.filled for mark in render.facts.marks] in ([True, True, False], [False, True, True])
    areas, lines = shapes_of(render.facts.marks, render.image.size, render.image)
    assert [*areas.shown, *lines.shown] == [1, 1, 1]
    assert sorted(mark.width for mark in render.facts.marks) == [0, 0, 2]
