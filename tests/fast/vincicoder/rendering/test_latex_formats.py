r"""Which documents begin from a format that has loaded TikZ before their class: those that cannot tell the difference."""

from __future__ import annotations

import pytest

from vincicoder.rendering.latex_formats import early_format

CLASS = "\\documentclass{standalone}\n"


def format_of(preamble: str) -> str | None:
    return early_format(preamble + "\\begin{document}\\tikz\\draw (0,0);\\end{document}")


@pytest.mark.parametrize(
    ("preamble", "expected"),
    [
        ("\\documentclass[border=5pt, tikz]{standalone}\\def\\a{1}", "tikz"),
        ("% a comment\n\n\\documentclass[11pt,a4paper]{article}\n% \\usepackage{no}\n\\usepackage{tikz}", "tikz"),
        (CLASS + "\\usepackage[T1]{fontenc}\\usepackage{amsmath, tikz}", "tikz"),
        (CLASS + "\\usepackage{pgf,tikz}", "tikz"),
        (CLASS + "\\usepackage{chemfig}", "tikz"),
        (CLASS + "\\usepackage{tikz}\n\\usetikzlibrary{calc,\n  fit}\n\\usepackage{pgfplots}", "pgfplots"),
        ("\\documentclass[tikz]{standalone}\\tikzset{}\\usepackage{pgfplots}", "tikz"),
    ],
)
def test_what_most_documents_load_first_is_loaded_already(preamble, expected):
    assert format_of(preamble) == expected


@pytest.mark.parametrize(
    "preamble",
    [
        CLASS,
        CLASS + "\\usepackage{amsmath}",
        CLASS + "% \\usepackage{tikz}\n",
        CLASS + "\\def\\pgfsysdriver{pgfsys-dvips.def}\\usepackage{tikz}",
        CLASS + "\\PassOptionsToPackage{dvipsnames}{xcolor}\\usepackage{tikz}",
        "\\PassOptionsToPackage{dvipsnames}{xcolor}\\documentclass[tikz]{standalone}",
        CLASS + "\\usepackage[dvipsnames]{xcolor}\\usepackage{tikz}",
        CLASS + "\\usepackage{tikz}\\usepackage[draft]{graphicx}",
        CLASS + "\\usepackage{color,tikz}",
        CLASS + "\\usepackage{tikz-3dplot,tikz}",
        CLASS + "\\usepackage{pgfplotslike,tikz}",
        "\\documentclass[dvipsnames,tikz]{standalone}",
        "\\documentclass[draft]{article}\\usepackage{tikz}",
        "\\documentclass[tikz]{article}",
        "\\documentclass{beamer}\\usepackage{tikz}",
        "\\relax\\documentclass[tikz]{standalone}",
    ],
)
def test_what_could_load_otherwise_begins_from_its_class(preamble):
    assert format_of(preamble) is None


def test_hostile_preambles_are_searched_in_a_moment():
    for part in ("\\usepackage[", "\\usepackage{", "%", "\\usetikzlibrary{", "\\documentclass["):
        assert format_of(CLASS + part * (19_000 // len(part))) is None
