"""Every quirk that people met in the public sets has a rule."""

from __future__ import annotations

import json

import pytest

from vincicoder.alignment import align
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.public import defective_code, from_rl, from_sft, without_placeholder

PYTHON = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
FLAWED = "import matplotlib.pyplot as plt\nplt.plot([2])"
PAGE = '<html><body><img src="rick.jpg"></body></html>'
SVG = "<svg><rect/></svg>"


def row(asked, answered, image_bytes):
    return {"user_content": asked, "assistant_content": answered, "image": image_bytes}


def test_a_plain_row_becomes_a_record(png):
    found = from_sft(row("<image>\nDraw this chart in Python.", f"```python\n{PYTHON}\n```", png), "chart")
    assert (found.domain, found.task, found.language) == ("chart", "generate", "python")
    assert found.prompt == "Draw this chart in Python."
    assert found.code == PYTHON
    assert found.target is png
    assert found.answer is None, "the answer is the code in a fence"
    assert Record.from_dict(found.to_dict()) == found


def test_images_pass_unchanged_whatever_their_size_and_format(image_bytes):
    for content in (
        image_bytes((640, 480)),
        image_bytes((33, 7)),
        image_bytes(format="JPEG"),
        image_bytes(format="WEBP") + b"\0\0",
    ):
        for cell in (content, {"bytes": content, "path": "a.png"}, [{"bytes": content, "path": None}]):
            assert from_sft(row("Draw.", f"```svg\n{SVG}\n```", cell), "svg").target == content


def test_a_refine_row_holds_its_defective_code(png):
    asked = f"<image>\nFix the code:\n```python\n{FLAWED}\n```\nso that it matches."
    found = from_sft(row(asked, f"```python\n{PYTHON}\n```", png), "chart", "refine")
    assert (found.task, found.defective_code, found.code) == ("refine", FLAWED, PYTHON)
    assert found.prompt == asked.removeprefix("<image>\n")


@pytest.mark.parametrize(
    ("prompt", "language", "expected"),
    [
        (f"Fix this:\n{FLAWED}", "python", FLAWED),
        (f"Fix this page: {PAGE} Thank you.", "html", PAGE),
        (f"```html\n{PAGE}\n```", "html", PAGE),
        ("Fix the code I sent.", "python", None),
        ("Fix the code I sent.", "html", None),
        ("```python\n\n```", "python", None),
    ],
)
def test_defective_code_is_found_with_and_without_a_fence(prompt, language, expected):
    assert defective_code(prompt, language) == expected


def test_a_refine_row_without_findable_code_stays(png):
    found = from_sft(row("Fix the code I sent.", f"```html\n{PAGE}\n```", png), "web", "refine")
    assert (found.task, found.defective_code, found.prompt) == ("refine", None, "Fix the code I sent.")
    assert Record.from_dict(found.to_dict()) == found


def test_the_placeholder_image_of_web_rows_stays_in_the_code(png):
    assert 'src="rick.jpg"' in from_sft(row("HTML please.", PAGE, png), "web").response


def test_line_ends_and_marks_are_normalised(png):
    asked, answered = "\ufeffDraw\r\nit.\r", f"```python\r\n{PYTHON}\r\n```\r\n"
    found = from_sft(row(asked, answered.replace(PYTHON, PYTHON.replace("\n", "\r\n")), png), "chart")
    assert (found.prompt, found.code, found.answer) == ("Draw\nit.", PYTHON, None)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("<image>Draw.", "Draw."),
        ("<image>\nDraw.", "Draw."),
        ("Draw.\n<image>", "Draw."),
        ("Draw <image> as code.", "Draw as code."),
        ("Fix.\n```svg\n<image></image>\n```\n<image>", "Fix.\n```svg\n<image></image>\n```"),
        ("Draw.", "Draw."),
    ],
)
def test_the_placeholder_leaves_the_words_and_not_the_code(asked, expected):
    assert without_placeholder(asked) == expected


@pytest.mark.parametrize(
    ("asked", "answered", "domain", "language"),
    [
        ("Draw.", f"```xml\n{SVG}\n```", "svg", "svg"),
        ("Draw it as SVG.", f"```html\n{SVG}\n```", "svg", "svg"),
        ("Draw.", SVG, "svg", "svg"),
        ("Draw.", f"```html\n{PAGE}\n```", "chart", "html"),
        ("Draw.", "```tikz\n\\draw;\n```", "others", "latex"),
        ("Draw.", PAGE, "others", "html"),
        ("Draw.", PYTHON, "others", "python"),
        ("Draw.", f"```python\n{PYTHON}\n```", "chemistry", "python"),
    ],
)
def test_the_language_is_the_domains_or_else_the_answers_own(asked, answered, domain, language, png):
    found = from_sft(row(asked, answered, png), domain)
    assert found.language == language
    assert align(found.response, language).code == found.code


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"user_content": None}, Reason.MISSING_VALUE),
        ({"user_content": " \n"}, Reason.EMPTY_PROMPT),
        ({"user_content": "<image>\n"}, Reason.EMPTY_PROMPT),
        ({"user_content": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "")}, Reason.INVALID_UTF8),
        ({"assistant_content": None}, Reason.MISSING_VALUE),
        ({"assistant_content": ""}, Reason.EMPTY_CODE),
        ({"assistant_content": "```python\n```"}, Reason.EMPTY_CODE),
        ({"assistant_content": ["a"]}, Reason.WRONG_TYPE),
        ({"assistant_content": "No."}, Reason.NO_CODE),
        ({"image": None}, Reason.MISSING_VALUE),
        ({"image": b""}, Reason.MISSING_VALUE),
        ({"image": 5}, Reason.WRONG_TYPE),
    ],
)
def test_a_row_that_cannot_be_used_says_why(changes, reason, png):
    with pytest.raises(BadRow) as caught:
        from_sft(row("Draw.", f"```python\n{PYTHON}\n```", png) | changes, "chart")
    assert caught.value.reason is reason


ANSWERS = [
    PYTHON,
    f"```python\n{PYTHON}\n```",
    {"code": PYTHON, "language": "py", "target": None},
    json.dumps({"code": PYTHON, "language": "python"}),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_rl_rows_give_prompt_image_and_bare_code(answer, png):
    problem = "<image>\nWrite Python code for this plot."
    found = from_rl({"problem": problem, "answer": answer, "images": [{"bytes": png, "path": None}]})
    assert (found.language, found.code, found.target) == ("python", PYTHON, png)
    assert found.prompt == "Write Python code for this plot."


def test_an_rl_row_needs_no_code_but_an_image(png):
    found = from_rl({"problem": "Write SVG.", "answer": {"target": png, "language": "svg"}, "images": None})
    assert (found.language, found.domain, found.code, found.target) == ("svg", "svg", "", png)
    assert Record.from_dict(found.to_dict()) == found
    with pytest.raises(BadRow, match="image"):
        from_rl({"problem": "Write SVG.", "answer": SVG, "images": None})
