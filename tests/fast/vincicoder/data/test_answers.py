"""Every way in which answers of data sets are written comes out in the one that the reward reads."""

from __future__ import annotations

import random

import pytest

from vincicoder.alignment import align
from vincicoder.data.answers import normalise
from vincicoder.data.errors import BadRow, Reason

PYTHON = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
PAGE = "<!DOCTYPE html>\n<html><body><img src='rick.jpg'></body></html>"
FRAGMENT = "<style>p {color: red}</style>\n<div><p>hi</p></div>"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
DECLARED = f'<?xml version="1.0"?>\n<!-- icon -->\n{SVG}'
LATEX = "\\documentclass{standalone}\n\\begin{document}\n$x$\n\\end{document}"
IMAGE = "\\begin{tikzpicture}\n\\draw (0,0) -- (1,1);\n\\end{tikzpicture}"

KEPT = [
    ("a proper block", f"```python\n{PYTHON}\n```", "python", PYTHON),
    ("an alias as tag", f"```py\n{PYTHON}\n```", "python", PYTHON),
    ("a tag in capitals", f"```Python\n{PYTHON}\n```", "python", PYTHON),
    ("a block without a tag", f"```\n{PYTHON}\n```", "python", PYTHON),
    ("a tag that names no language", f"```matplotlib\n{PYTHON}\n```", "python", PYTHON),
    ("no fence", PYTHON, "python", PYTHON),
    ("no fence, words before", f"Here it is:\n{PYTHON}", "python", PYTHON),
    ("no closing fence, code complete", f"```python\n{PYTHON}", "python", PYTHON),
    ("trailing blank space", f"\n\n```python\n{PYTHON}\n```  \n \n", "python", PYTHON),
    ("HTML without a fence", PAGE, "html", PAGE),
    ("HTML without a fence, words around", f"The page:\n{PAGE}\nDone.", "html", PAGE),
    ("HTML that begins with another element", FRAGMENT, "html", FRAGMENT),
    ("an HTML block that begins with another element", f"```html\n{FRAGMENT}\n```", "html", FRAGMENT),
    ("HTML in a block without a tag", f"```\n{FRAGMENT}\n```", "html", FRAGMENT),
    ("HTML under xml", f"```xml\n{PAGE}\n```", "html", PAGE),
    ("HTML never closed, document complete", f"```html\n{PAGE}", "html", PAGE),
    ("SVG under svg", f"```svg\n{SVG}\n```", "svg", SVG),
    ("SVG under xml", f"```xml\n{SVG}\n```", "svg", SVG),
    ("SVG under html", f"```html\n{DECLARED}\n```", "svg", DECLARED),
    ("SVG without a fence", SVG, "svg", SVG),
    ("SVG without a tag", f"```\n{DECLARED}\n```", "svg", DECLARED),
    ("LaTeX under tikz", f"```tikz\n{IMAGE}\n```", "latex", IMAGE),
    ("LaTeX under tex", f"```tex\n{LATEX}\n```", "latex", LATEX),
    ("LaTeX without a fence", LATEX, "latex", LATEX),
    ("a bare TikZ picture", IMAGE, "latex", IMAGE),
]


@pytest.mark.parametrize(("answer", "language", "code"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_the_reward_finds_the_code_of_a_normalised_answer(answer, language, code):
    normal, found = normalise(answer, language)
    assert found == code
    assert align(normal, language).code == code
    assert normal.count(f"```{language}\n") == 1, "the fence bears the language's own name"
    assert normalise(normal, language) == (normal, found), "normalising twice changes nothing more"


PLAIN = [
    PYTHON,
    "\n\n  x = 1\n\n",
    "x = '``'",
    "~~~\nx\n~~~",
    'x = """\n```python\n"""',
    "<think>\nx",
    "x\n````\ny",
    " ",
]


@pytest.mark.parametrize("code", PLAIN)
def test_the_short_way_for_plain_answers_finds_what_the_reward_finds(code):
    answer = f"```python\n{code}\n```"
    expected = align(answer, "python").code
    if expected is None:
        with pytest.raises(BadRow):
            normalise(answer, "python")
    else:
        assert normalise(answer, "python")[1] == expected


def test_words_around_the_code_stay():
    assert normalise(f"The page:\n{PAGE}\nDone.", "html")[0] == f"The page:\n\n```html\n{PAGE}\n```\n\nDone."


def test_a_proper_answer_is_not_touched():
    answer = f"Sure.\n\n```python\n{PYTHON}   \n```\n\nIt draws a line."
    assert normalise(answer, "python") == (answer, PYTHON + "   ")


def test_only_the_last_block_is_the_answer():
    answer = f"```bash\npip install matplotlib\n```\n```py\n{PYTHON}\n```"
    assert normalise(answer, "python") == (answer.replace("```py\n", "```python\n"), PYTHON)


def test_a_fence_inside_the_code_gets_a_longer_one_around_it():
    page = "<html><body><pre>\n```\nx\n```\n</pre></body></html>"
    normal, code = normalise(page, "html")
    assert code == page
    assert normal == f"````html\n{page}\n````"


LEFT_OUT = [
    ("an empty block", "```python\n\n```", "python", Reason.EMPTY_CODE),
    ("words only", "I cannot draw that.", "python", Reason.NO_CODE),
    ("one word that happens to be Python", "Sorry", "python", Reason.NO_CODE),
    ("words for a page", "There is no page.", "html", Reason.NO_CODE),
    ("another language", f"```python\n{PYTHON}\n```", "html", Reason.WRONG_LANGUAGE),
    ("a page where SVG is asked for", f"```html\n{PAGE}\n```", "svg", Reason.WRONG_LANGUAGE),
    ("code cut off in its block", "```python\nplt.plot([1,", "python", Reason.TRUNCATED),
    ("a document cut off in its block", "```html\n<html><body>", "html", Reason.TRUNCATED),
    ("a document cut off without a fence", "<html><body><p", "html", Reason.TRUNCATED),
]


@pytest.mark.parametrize(
    ("answer", "language", "reason"), [case[1:] for case in LEFT_OUT], ids=[case[0] for case in LEFT_OUT]
)
def test_an_answer_without_complete_code_is_refused(answer, language, reason):
    with pytest.raises(BadRow) as caught:
        normalise(answer, language)
    assert caught.value.reason is reason


PARTS = (
    "```", "```python\n", "```html\n", "```xml\n", "\n", "~~~", "````", "<html>", "</html>", "<svg>", "</svg>", "<div>", "\t",
    "import x\n", "\\begin{document}", "\\end{document}", "\\documentclass{a}", "<think>", "</think>", "text ", "<!DOCTYPE html>",
)  # fmt: skip


@pytest.mark.parametrize("language", ["python", "html", "svg", "latex"])
def test_whatever_comes_in_what_comes_out_is_read_by_the_reward_or_refused(language):
    chosen = random.Random(language)
    accepted = 0
    for _ in range(3_000):
        answer = "".join(chosen.choices(PARTS, k=chosen.randint(1, 8)))
        try:
            normal, code = normalise(answer, language)
        except BadRow:
            continue
        accepted += 1
        assert code.strip()
        assert align(normal, language).code == code
        assert normalise(normal, language)[1] == code
    assert accepted > 30, "the parts make answers, not only noise"
