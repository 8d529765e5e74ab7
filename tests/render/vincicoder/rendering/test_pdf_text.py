r"""The text and the shapes of LaTeX's pages: what it says, where it is in the image, and text that nobody can see."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vincicoder.rendering import RenderPool
from vincicoder.rendering.facts import MAX_SPANS, Span
from vincicoder.similarity.ink import borne_out
from vincicoder.similarity.outlines import shapes_of

BLACK, RED = (0, 0, 0), (255, 0, 0)


def read(pool: RenderPool, code: str) -> tuple[Image.Image, list[Span]]:
    render = pool.render(code, "latex", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    assert not render.note
    return render.image, list(render.facts.spans)


def tikz(body: str) -> str:
    return rf"\begin{{tikzpicture}}{body}\end{{tikzpicture}}"


@pytest.mark.parametrize(
    "code",
    [
        "Sales",
        r"\Huge\textbf{Sales}",
        r"\textsf{\itshape Sales}",
        tikz(r"\path (-2,-1) rectangle (3,2); \node at (1,1) {Sales};"),
        tikz(r"\path (-2,-1) rectangle (3,2); \node[scale=3] at (1,1) {Sales};"),
        tikz(r"\path (-2,-1) rectangle (3,2); \node[rotate=90] at (1,1) {Sales};"),
        tikz(r"\path (-2,-1) rectangle (3,2); \node[rotate=-90,xscale=2] at (1,1) {Sales};"),
        r"\documentclass{article}\pagestyle{empty}\begin{document}Sales\end{document}",
        r"\documentclass[a4paper]{report}\pagestyle{empty}\begin{document}Sales\end{document}",
        r"\documentclass[tikz,border=9mm]{standalone}\begin{document}\tikz\node{Sales};\end{document}",
        r"\documentclass{article}\usepackage{fontspec}\pagestyle{empty}\begin{document}Sales\end{document}",
        "\\pdfpageattr{/Rotate 90}Sales",
        r"\fontsize{40}{40}\selectfont Sales",
    ],
)
def test_a_box_is_where_the_text_is_inked(pool: RenderPool, code: str) -> None:
    image, [span] = read(pool, code)
    assert (span.text, span.colour) == ("Sales", BLACK)
    rows, columns = np.nonzero(np.asarray(image.convert("L")) < 160)
    ink = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert span.box == pytest.approx(ink, abs=2)
    assert borne_out([span], image)[0] > 0.9


def test_texts_are_told_apart_by_place_and_colour(pool: RenderPool) -> None:
    code = tikz(
        r"\begin{axis}[width=7cm,title={Efficient sales},xlabel=time,ylabel=value,xtick={0,2,4},ytick={1,3}]"
        r"\addplot coordinates {(0,1) (2,3) (4,2)};\legend{sold}\end{axis}"
    )
    image, spans = read(pool, code)
    assert sorted(span.text for span in spans) == sorted(
        ["Efficient sales", "time", "value", "0", "2", "4", "1", "3", "sold"]
    )
    assert min(borne_out(spans, image)) > 0.9
    table = r"\begin{tabular}{lr}Name & \textcolor{red}{Value} now\\ \hline M\"uller & 12.5\\ 销售 & 7\end{tabular}"
    image, spans = read(pool, table)
    assert [(span.text, span.colour) for span in spans] == [
        ("Name", BLACK),
        ("Value", RED),
        ("now", BLACK),
        ("Müller", BLACK),
        ("12.5", BLACK),
        ("销售", BLACK),
        ("7", BLACK),
    ]
    assert min(borne_out(spans, image)) > 0.9


def test_formulas_are_read_with_their_superscripts(pool: RenderPool) -> None:
    _, spans = read(pool, r"$E = mc^2$\qquad\qquad$\alpha_i < 5$")
    assert [span.text.replace(" ", "") for span in spans] == ["E=mc2", "αi<5"]


@pytest.mark.parametrize(
    "body",
    [
        r"\node[text=white] at (2,1) {Net sales 2024};",
        r"\node[text opacity=0.004] at (2,1) {Net sales 2024};",
        r"\node at (90,1) {Net sales 2024};",
        r"\node at (2,1) {Net sales 2024}; \fill[blue!10] (0,0) rectangle (4,2);",
        r"\node at (2,1) {Net sales 2024}; \fill (0,0) rectangle (4,2);",
        r"\node[scale=.01] at (2,1) {Net sales 2024};",
        r"\node at (2,1) {\pdfliteral direct {3 Tr}Net sales 2024\pdfliteral direct {0 Tr}};",
    ],
)
def test_invisible_text_is_not_borne_out(pool: RenderPool, body: str) -> None:
    image, spans = read(pool, tikz(r"\useasboundingbox (0,0) rectangle (4,2);" + body))
    assert max(borne_out(spans, image), default=0) < 0.1


def test_thousands_of_texts_and_a_huge_one_stay_within_limits(pool: RenderPool) -> None:
    cells = r"\foreach \x in {1,...,50} \foreach \y in {1,...,50} \node[scale=.3] at (\x/3,\y/3) {ab};"
    assert len(read(pool, tikz(cells))[1]) == MAX_SPANS
    _, [span] = read(pool, r"\hbox{\tiny" + " words" * 4_000 + "}")
    assert len(span.text) == 4_000 * 6 - 1


def test_the_shapes_of_a_page_are_in_the_pixels_of_its_image(pool: RenderPool) -> None:
    body = (
        r"\path (-1,-1) rectangle (6,4); \fill[red] (0,0) rectangle (1,2); \fill[blue] (3,1) circle (0.5);"
        r"\draw[line width=6pt] (0,3) -- (2,3.5) -- (4,3); \path (4,0) rectangle (5,1);"
    )
    render = pool.render(tikz(body), "latex", facts=True)
    assert render.image is not None, render
    assert render.facts is not None
    assert [mark.filled for mark in render.facts.marks] == [True, True, False]
    areas, lines = shapes_of(render.facts.marks, render.image.size, render.image)
    assert [*areas.shown, *lines.shown] == [1, 1, 1]
    assert [mark.width > 8 for mark in render.facts.marks] == [False, False, True]
    assert areas.colours.tolist() == [[255, 0, 0], [0, 0, 255]]
