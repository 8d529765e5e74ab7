"""Where the prefixes of a LaTeX document end: behind the statements of its pictures."""

from __future__ import annotations

import itertools

import pytest

from vincicoder.rendering.latex_prefixes import marked, places_of


def statements(body: str, name: str = "tikzpicture") -> list[str]:
    """Return what lies between the ends of prefixes."""
    code = rf"\begin{{{name}}}{body}\end{{{name}}}"
    ends = places_of(code).ends
    return [code[start:end].strip() for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize("name", ["tikzpicture", "circuitikz"])
def test_each_path_is_a_statement(name):
    body = r"[scale=2, every node/.style={draw}] \draw (0,0) -- (1,1);\node at (0,0) {a; \textbf{b};}; \fill[red] (0,0) circle(1);"
    found = statements(body, name)
    assert found == [r"\draw (0,0) -- (1,1);", r"\node at (0,0) {a; \textbf{b};};", r"\fill[red] (0,0) circle(1);"]


def test_comments_and_escapes_are_passed_over():
    assert statements("\\draw (0,0) % ; }\n -- (1,1);%;\n\\node {100\\%;\\};};") == [
        "\\draw (0,0) % ; }\n -- (1,1);",
        "%;\n\\node {100\\%;\\};};",
    ]


def test_a_loop_is_one_statement():
    loops = [
        r"\foreach \x in {1,...,3} {\draw (\x,0) -- (\x,1); \fill (0,0) circle (1);}",
        r"\foreach \x/\y in {1/2,3/4} \node at (\x,\y) {\x;};",
        r"\foreach \x in \list \foreach \y [count=\i] in {1,2} { \draw (\x,\y) circle (1); }",
    ]
    assert statements("\n".join(loops)) == loops


def test_an_environment_is_one_statement_and_a_scope_is_none():
    axis = r"\begin{axis}[xmin=0] \addplot {x^2}; \begin{x}\end{x} \addplot {x}; \end{axis}"
    inside = [r"\draw (0,0) circle (1);", r"\fill (0,0) circle (1);"]
    found = statements(
        rf"\begin{{scope}}[red]{inside[0]}\end{{scope}} {axis} \begin{{pgfonlayer}}{{back}}{inside[1]}\end{{pgfonlayer}}"
    )
    assert len(found) == 3
    assert found[0].endswith(inside[0]) and found[1].endswith(axis) and found[2].endswith(inside[1])


def test_settings_and_groups_are_no_statements():
    body = r"\tikzset{a/.style={draw;}} \def\r{1;} {\draw (0,0) circle (1);} \pgfmathsetmacro{\x}{1;}"
    assert statements(body) == []


def test_pictures_go_on_counting():
    code = r"\begin{tikzpicture}\draw (0,0);\end{tikzpicture} \begin{tikzpicture}[x=1]\draw (1,1);\end{tikzpicture}"
    places = places_of(code)
    assert len(places.ends) == 3 and len(places.turns) == 1


@pytest.mark.parametrize(
    "code",
    [
        "",
        r"\begin{tikzpicture}",
        r"\begin{tikzpicture}\draw (0,0)",
        r"\begin{tikzpicture}\draw (0,0) \end{tikzpicture};",
        r"\begin{tikzpicture}[",
        r"\begin{tikzpicture}{{{{{",
        r"\begin{tikzpicture}\foreach",
        r"\begin{tikzpicture}\foreach \x in",
        r"\begin{tikzpicture}\begin{axis}",
        r"\begin{tikzpicture}\begin" + "\\",
        r"\begin{tikzpicture}" * 200,
        r"\begin{tikzpicture}\foreach \x in {1} " * 50,
    ],
)
def test_what_is_no_document_has_no_statements_and_raises_nothing(code):
    assert len(places_of(code).ends) <= 1


def test_marks_stand_behind_statements_and_change_no_line():
    code = "\\begin{tikzpicture}\n\\draw (0,0);\n\\begin{scope}\n\\fill (0,0);\n\\end{scope}\n\\end{tikzpicture}"
    places = places_of(code)
    text = marked(code, places.ends, places.turns)
    assert text.count("\n") == code.count("\n")
    assert [text.count(f"/VC{number} ") for number in (1, 2, 3, 4)] == [1, 2, 2, 0]
