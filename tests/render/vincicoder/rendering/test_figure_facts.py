"""The text and the marks of matplotlib figures: what is visible in the file that counts, and never at its expense."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from rendered import PLT

from vincicoder.rendering import RenderPool
from vincicoder.rendering.facts import MAX_SPANS, Facts, Span
from vincicoder.similarity.ink import borne_out
from vincicoder.similarity.outlines import shapes_of
from vincicoder.status import Status

pytestmark = pytest.mark.long

WORD = "fig = plt.figure(figsize=(4, 2))\nt = fig.text(.5, .4, 'Sales', size=16, ha='center', color='#c00000')\n"
BARS = """
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
left.bar(["a", "b", "c"], [3, 1, 2], label="sold")
left.set(title="Units", xlabel="shop", ylabel="number")
left.legend()
left.annotate("top", ("a", 3), ("b", 2.5), arrowprops={"arrowstyle": "->"})
right.plot([1, 10, 100])
right.set_yscale("log")
right.set_title("Growth\\nof $x^{2}$")
right.table([["cell"]], bbox=[.5, .1, .4, .2])
fig.suptitle("Year")
"""


def drawn(pool: RenderPool, code: str) -> tuple[Image.Image, list[Span]]:
    render = pool.render(PLT + code, "python", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    assert not render.note
    return render.image, list(render.facts.spans)


@pytest.mark.parametrize(
    "save",
    [
        "",
        "plt.show()",
        "fig.show()",
        "plt.savefig('a.png')",
        "plt.savefig('a.png', dpi=50)",
        "plt.savefig('a.png', dpi=120, bbox_inches='tight')",
        "plt.savefig('a.png', bbox_inches='tight', pad_inches=1)",
        "plt.savefig('a.svg', dpi=130, transparent=True)",
        "import io; plt.savefig(io.BytesIO(), format='pdf', dpi=130)",
        "fig.canvas.draw(); plt.savefig('a.png', dpi=70)",
        "plt.savefig('a.png', dpi=70)\nplt.figure(figsize=(3, 3)).text(.1, .1, 'unsaved')",
    ],
)
def test_a_box_is_where_the_text_is_in_the_file_that_counts(pool: RenderPool, save: str) -> None:
    image, [span] = drawn(pool, WORD + save)
    assert (span.text, span.colour) == ("Sales", (192, 0, 0))
    rows, columns = np.nonzero(np.asarray(image.convert("L")) < 200)
    left, top, right, bottom = span.box
    assert (left, right) == pytest.approx((columns.min(), columns.max() + 1), abs=2)
    # Its box is as high as letters can be, above the line and below it.
    assert top - 2 <= rows.min() < rows.max() + 1 <= bottom + 2
    assert rows.max() + 1 - rows.min() > 0.5 * (bottom - top)
    assert borne_out([span], image)[0] > 0.9


@pytest.mark.parametrize("save", ["", "plt.savefig('a.png', dpi=150, bbox_inches='tight')"])
def test_all_that_a_figure_says_is_found_and_borne_out(pool: RenderPool, save: str) -> None:
    image, spans = drawn(pool, BARS + save)
    texts = [span.text for span in spans]
    said = ["a", "b", "c", "Units", "shop", "number", "sold", "top", "Growth of x^2", "cell", "Year", "10^1"]
    assert [texts.count(text) for text in said] == [1] * len(said)
    assert min(borne_out(spans, image)) > 0.9


def test_what_is_not_drawn_is_not_said(pool: RenderPool) -> None:
    _, spans = drawn(
        pool, BARS + "left.set_axis_off(); right.remove(); left.title.set_visible(False)\nleft.legend_ = None"
    )
    assert [span.text for span in spans] == ["top", "Year"]


@pytest.mark.parametrize(
    "change",
    [
        "t.set_color('white')",
        "t.set_alpha(0.004)",
        "t.set_position((5, 5))",
        "t.set_fontsize(0.5)",
        "t.set_visible(False)",
        "fig.add_artist(plt.Rectangle((0, 0), 1, 1, zorder=9))",
        "t.set_clip_box(fig.bbox.shrunk(0.1, 0.1))\nt.set_clip_on(True)",
    ],
)
def test_invisible_text_is_not_borne_out(pool: RenderPool, change: str) -> None:
    image, spans = drawn(pool, WORD + change)
    assert max(borne_out(spans, image), default=0) < 0.1


@pytest.mark.parametrize(
    "hostile",
    [
        "class T(str):\n def strip(self): raise SystemExit(3)\n def split(self): 1 / 0\nt._text = T('Sales')",
        "t.get_color = lambda: 1 / 0",
        "t.get_text = lambda: exit(3)",
        "t.get_window_extent = lambda *a: 1 / 0",
        "n = []\nold = t.get_text\ndef get_text():\n n.append(1)\n return old() if len(n) < 99 else 1 / 0\nt.get_text = get_text",
        "import matplotlib.text\nmatplotlib.text.Text.get_window_extent = lambda *a: 1 / 0",
        "import matplotlib.colors\nt.get_color = lambda: (float('nan'),) * 3",
        "import sys\nt.set_text('x\\ud800')\nt.set_text('Sales')",
    ],
)
def test_artists_that_misbehave_cost_no_image_that_there_would_be_without_facts(pool: RenderPool, hostile: str) -> None:
    code = f"{PLT}{WORD}{hostile}"
    plain, asked = pool.render(code, "python"), pool.render(code, "python", facts=True)
    assert (plain.status, plain.image is None) == (asked.status, asked.image is None)
    assert asked.status in (Status.OK, Status.RUNTIME_ERROR, Status.NO_OUTPUT)
    if plain.image is not None:
        assert asked.image is not None
        assert plain.image.tobytes() == asked.image.tobytes()
        assert isinstance(asked.facts, Facts)
        assert not asked.note


def test_thousands_of_texts_and_a_huge_one_stay_within_limits(pool: RenderPool) -> None:
    many = "fig = plt.figure(figsize=(4, 4))\nfor n in range(2_500): fig.text(n % 50 / 50, n // 50 / 50, 'ab', size=1)"
    assert len(drawn(pool, many)[1]) == MAX_SPANS
    _, [span] = drawn(pool, "fig = plt.figure(figsize=(2, 1))\nfig.text(0, .5, 'x' * 30_000, size=2)")
    assert len(span.text) == 30_000


def test_other_images_of_a_script_have_no_facts(pool: RenderPool) -> None:
    code = PLT + WORD + "plt.savefig('a.png')\nfrom PIL import Image\nImage.open('a.png').rotate(90).save('b.png')"
    render = pool.render(code, "python", facts=True)
    assert render.ok, render
    assert render.facts is None


CHARTS = {
    "bars": ("plt.bar(['a', 'b', 'c'], [3, 1, 2])", 3, 0),
    "a line": ("plt.plot([1, 5, 2])", 0, 1),
    "points": ("plt.scatter([1, 2, 3], [1, 5, 2], s=[20, 90, 200])", 3, 0),
    "points by plot": ("plt.plot([1, 2, 3], 'o')", 3, 0),
    "wedges": ("plt.pie([1, 2, 3])", 3, 0),
    "an area": ("plt.fill_between([1, 2, 3], [2, 4, 3])", 1, 0),
    "cells": ("plt.pcolormesh([[1, 2, 3], [4, 5, 6]])", 6, 0),
    "an image of few cells": ("plt.imshow([[1, 2], [4, 5]])", 4, 0),
    "polar bars": ("plt.figure().add_subplot(projection='polar').bar([0, 1, 2], [1, 2, 3])", 3, 0),
    "a legend and a grid": ("plt.bar(['a', 'b'], [3, 1], label='sold'); plt.legend(); plt.grid(True)", 2, 0),
    "what is hidden": ("plt.bar(['a', 'b'], [3, 1]); plt.plot([1, 2], visible=False); plt.plot([1, 3], alpha=0)", 2, 0),
}


@pytest.mark.parametrize("name", CHARTS)
def test_marks_are_what_is_plotted_and_the_pixels_bear_them_out(pool: RenderPool, name: str) -> None:
    code, areas, lines = CHARTS[name]
    render = pool.render(f"{PLT}{code}\nplt.savefig('a.png', dpi=80, bbox_inches='tight')", "python", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    marks = render.facts.marks
    assert (sum(mark.filled for mark in marks), sum(not mark.filled for mark in marks)) == (areas, lines)
    shown = shapes_of(marks, render.image.size, render.image)
    assert min([*shown[0].shown, *shown[1].shown]) == 1


def test_thick_lines_are_as_wide_as_they_are_drawn(pool: RenderPool) -> None:
    code = (
        "plt.plot([1, 5, 2], lw=18); plt.gca().add_patch(plt.Circle((1, 3), .5, fill=False, lw=9))\n"
        "plt.hlines([2], 0, 2, lw=27); plt.savefig('a.png', dpi=80)"
    )
    render = pool.render(PLT + code, "python", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    marks = render.facts.marks
    assert sorted(mark.width for mark in marks if not mark.filled) == [10, 20, 30]
    assert shapes_of(marks, render.image.size, render.image)[1].shown.tolist() == [1, 1, 1]


def test_marks_that_lie_cannot_take_the_image_along(pool: RenderPool) -> None:
    code = "plt.bar(['a', 'b'], [3, 1])\nplt.gca().patches[0].get_fill = lambda: 1 / 0"
    render = pool.render(PLT + code, "python", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    assert len(render.facts.marks) == 1
