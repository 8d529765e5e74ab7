r"""Documents that begin from a format with TikZ: the same images and errors as from their class."""

from __future__ import annotations

import pytest

from vincicoder.rendering.latex_formats import early_format, make_formats
from vincicoder.status import Status

TIKZ = r"\begin{tikzpicture}\draw[->,thick] (0,0) -- node[above] {$x_1$, \textbf{fi}} (3,rnd);\end{tikzpicture}"
PLOT = r"\begin{tikzpicture}\begin{axis}\addplot[domain=0:3,samples=9]{x^2*rnd};\legend{a}\end{axis}\end{tikzpicture}"
STANDALONE = "\\documentclass[border=2pt]{standalone}\n"
AS_IT_STANDS = r"\relax "  # before the class, so that nothing is loaded before that


def rendered(pool, preamble: str, body: str):
    """Render a document from a format with TikZ, and from its class."""
    code = f"{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    assert early_format(code) is not None and early_format(AS_IT_STANDS + code) is None
    return [pool.render(each, "latex", facts=True) for each in (code, AS_IT_STANDS + code)]


@pytest.mark.parametrize(
    ("preamble", "body"),
    [
        ("\\documentclass[tikz,border=2pt]{standalone}\n\\usetikzlibrary{shadows}", TIKZ),
        (STANDALONE + "\\usepackage{amsmath,tikz}\n\\usetikzlibrary{babel}\n\\usepackage[english]{babel}", TIKZ),
        (STANDALONE + "\\usepackage[T1]{fontenc}\\usepackage{lmodern,hyperref}\\usepackage{tikz}", TIKZ + "Text"),
        (STANDALONE + "\\usepackage{tikz}\n\\usetikzlibrary{calc}\n\\usepackage{pgfplots}", TIKZ + PLOT),
        ("\\documentclass[12pt]{article}\n\\usepackage{chemfig}\\setchemfig{atom sep=2em}", r"\chemfig{A-B=[:30]C}"),
        (STANDALONE + "\\usepackage{tikz-cd}", r"\begin{tikzcd} A \arrow[r] & B \end{tikzcd}"),
        (STANDALONE + "\\usepackage{tikz}\n\\usepackage{euflag}", TIKZ),  # which wants other options for colours
    ],
    ids=["class", "babel", "fonts", "pgfplots", "chemfig", "tikz-cd", "clash"],
)
def test_images_and_facts_are_those_of_the_document_as_it_stands(pool, preamble, body):
    found, expected = rendered(pool, preamble, body)
    assert found.image is not None and expected.image is not None, expected.message
    assert found.image.size == expected.image.size and found.image.tobytes() == expected.image.tobytes()
    assert found.facts == expected.facts


def test_errors_are_those_of_the_document(pool):
    found, expected = rendered(pool, STANDALONE + "\\usepackage{tikz}", "one\n\\nosuchcommand")
    assert found.status is expected.status is Status.SYNTAX_ERROR
    assert found.message == expected.message
    assert "figure.tex:5:" in found.message


def test_formats_are_made_of_what_tex_has(tmp_path, monkeypatch):
    made = make_formats(tmp_path / "all")
    assert {"pdflatex", "snippet", "tikz", "pgfplots"} <= set(made)
    assert {path.suffix for path in (tmp_path / "all").glob("*.fmt")} == {".fmt"}
    assert all(path.is_file() and not path.read_bytes().startswith(b"\x1f\x8b") for path in made.values())
    monkeypatch.setattr("vincicoder.rendering.latex_formats._DUMPED", {"odd": "\\RequirePackage{no-such-package}"})
    assert "odd" not in make_formats(tmp_path / "less")
