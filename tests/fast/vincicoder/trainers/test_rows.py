from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from vincicoder import trainers


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


BASE64 = base64.b64encode(png()).decode()


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        ({"target": "a.png", "code": None}, {"target": "a.png", "code": None}),
        ('{"target": "a.png", "language": "svg"}', {"target": "a.png", "language": "svg"}),
        ("chart.png", {"target": "chart.png"}),
        (BASE64, {"target": BASE64}),
        ("data:image/png;base64," + BASE64, {"target": "data:image/png;base64," + BASE64}),
        (png(), {"target": png()}),
        ("<svg/>", {"code": "<svg/>"}),
        ("import numpy\nplt.savefig('a.png')", {"code": "import numpy\nplt.savefig('a.png')"}),
        ("{not JSON}", {"code": "{not JSON}"}),
        ("[1, 2]", {"code": "[1, 2]"}),
        ("", {"code": ""}),
        (None, {}),
    ],
)
def test_answer_column_is_read_in_every_form(answer, fields):
    assert trainers.answer_fields(answer) == fields


IMAGE = Image.new("RGB", (4, 4))
ARRAY = np.empty(1, dtype=object)
ARRAY[0] = {"bytes": png(), "path": None}
PIXELS = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("held", "target"),
    [
        ({"target": "a.png"}, "/data/a.png"),
        ({"target": "/other/a.png"}, "/other/a.png"),
        ({"target": "file:///other/a.png"}, "file:///other/a.png"),
        ({"target": BASE64}, BASE64),
        ({"target": {"bytes": None, "path": "a.png"}}, "/data/a.png"),
        ({"target": {"bytes": png(), "path": "gone.png"}}, png()),
        ({"target": IMAGE}, IMAGE),
        ({"image": {"path": "a.png"}}, "/data/a.png"),
        ({"images": ["a.png", "b.png"]}, "/data/a.png"),
        ({"images": ARRAY}, png()),
        ({"images": [PIXELS]}, PIXELS),
        ({"multi_modal_data": {"images": [{"bytes": png(), "path": None}]}}, png()),
        ({"multi_modal_data": {"images": (IMAGE,)}}, IMAGE),
        ({"target": "", "images": ["a.png"]}, "/data/a.png"),
    ],
)
def test_target_is_found_in_every_form(held, target):
    found = trainers.request_from("text", [held], image_dir="/data").target
    assert found is target if target is PIXELS else found == target


@pytest.mark.parametrize("held", [{}, {"target": None}, {"images": []}, {"multi_modal_data": {"videos": ["a"]}}])
def test_row_without_target_is_told_apart(held):
    assert trainers.request_from("text", [held]).target is trainers.NO_TARGET


def test_first_source_wins():
    first = {"target": None, "language": "", "problem": "first"}
    second = {"target": "b.png", "language": "svg", "prompt": "second"}
    request = trainers.request_from("text", [first, second])
    assert (request.target, request.language, request.prompt) == ("b.png", "svg", "first")


def test_alias_of_a_language_is_understood_and_another_is_kept_for_its_row_to_fail():
    assert trainers.request_from("text", [{"language": "TikZ"}]).language == "latex"
    assert trainers.request_from("text", [{"language": "cobol"}]).language == "cobol"


@pytest.mark.parametrize(
    ("row", "language"),
    [
        ({"language": "svg", "prompt": "Write HTML.", "solution": "```latex\nx\n```"}, "svg"),
        ({"prompt": "Write HTML.", "solution": "```latex\nx\n```"}, "html"),
        ({"prompt": "Draw this.", "solution": "Sure:\n```latex\nx\n```"}, "latex"),
        ({"prompt": "Draw this.", "solution": "import numpy"}, trainers.NO_LANGUAGE),
        ({}, trainers.NO_LANGUAGE),
    ],
)
def test_language_is_that_of_the_row_else_of_the_prompt_else_of_the_references_fence(row, language):
    assert trainers.request_from("text", [row]).language == language


STRUCT = {"target": "a.png", "language": "svg", "code": "<svg/>"}


@pytest.mark.parametrize(
    ("sources", "reference"),
    [
        ([trainers.answer_fields(STRUCT)], "<svg/>"),
        ([trainers.answer_fields(json.dumps(STRUCT))], "<svg/>"),
        ([trainers.answer_fields("import numpy")], "import numpy"),
        ([trainers.answer_fields("Here:\n```svg\n<svg/>\n```\nDone.")], "<svg/>"),
        ([{"solution": "```svg\n<svg/>\n```"}], "<svg/>"),
        ([{"solution": json.dumps(STRUCT)}], "<svg/>"),
        ([{"assistant_content": "Sure.\n```python\nx = 1\n```"}], "x = 1"),
        ([{"reference": "a"}, {"code": "b"}], "a"),
        ([{"solution": BASE64}, {"code": " "}], None),
        ([{"solution": "chart.png"}], None),
        ([{"target": "a.png"}], None),
    ],
)
def test_reference_is_found_in_every_form(sources, reference):
    assert trainers.request_from("text", sources).reference == reference


def test_metadata_is_the_rest_of_the_row_in_small_plain_values():
    first = {"uid": "u7", "id": np.int64(3), "domain": "chart", "target": png(), "thumbnail": png(), "code": "x"}
    second = {"uid": "other", "source": "cosyn", "data_source": "vincicoder/svg", "weight": np.float32(0.5)}
    more = {"encoded": BASE64 * 9, "extra": {"a": 1}, "prompt": "p", "language": "svg", "kept": True, "none": None}
    assert trainers.request_from("text", [first, second, more]).metadata == {
        "uid": "u7",
        "id": 3,
        "domain": "chart",
        "source": "cosyn",
        "data_source": "vincicoder/svg",
        "weight": 0.5,
        "kept": True,
    }


def test_path_is_left_alone_without_a_directory():
    assert trainers.request_from("text", [{"target": "a.png"}]).target == "a.png"


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ("as it is", "as it is"),
        ([{"role": "system", "content": "first"}, {"role": "user", "content": "last"}], "last"),
        ([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}, {"text": "b"}]}], "ab"),
        ([{"role": "user", "content": [{"type": "image"}]}], None),
        ([{"role": "assistant", "content": None}], None),
        ([], None),
        (None, None),
    ],
)
def test_text_of_a_conversation_is_that_of_its_last_message(messages, text):
    assert trainers.text_of(messages) == text
