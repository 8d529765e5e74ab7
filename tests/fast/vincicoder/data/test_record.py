"""A record survives every way of storing it, and what it lacks is told from what it has."""

from __future__ import annotations

import json

import pytest

from vincicoder.alignment import align, requested_language
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.answers import fenced
from vincicoder.data.domains import LANGUAGE_OF, domain_of, language_of

CODE = "import matplotlib.pyplot as plt\nplt.plot([1])"


def record(**changes) -> Record:
    values = {
        "id": "r1",
        "domain": "chart",
        "task": "refine",
        "language": "python",
        "prompt": "Fix this.\n\n```python\nplt.plot([2])\n```",
        "code": CODE,
        "target": b"\x89PNG\x00\xff\x00",
        "defective_code": "plt.plot([2])",
        "answer": f"Here:\n```python\n{CODE}\n```",
        "source": "mine",
        "licence": "CC-BY-4.0",
        "checks": {"similarity": 0.5, "defects": ["colour", None]},
    }
    return Record(**(values | changes))


@pytest.mark.parametrize("changes", [{}, {"target": "pictures/ab/cd.png"}, {"answer": None, "checks": {}}])
def test_a_record_survives_its_dict_its_json_and_parquet(changes, tmp_path):
    import pyarrow
    import pyarrow.parquet

    original = record(**changes)
    assert Record.from_dict(original.to_dict()) == original
    assert Record.from_dict(json.loads(original.to_json())) == original
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([original.to_dict()]), tmp_path / "records.parquet")
    [row] = pyarrow.parquet.read_table(tmp_path / "records.parquet").to_pylist()
    assert Record.from_dict(row) == original


def test_image_and_code_are_enough(png):
    found = Record.from_dict({"target": png, "code": CODE})
    assert (found.domain, found.task, found.language) == ("chart", "generate", "python")
    assert requested_language(found.prompt).name == "python"
    assert found.response == f"```python\n{CODE}\n```"
    assert found == Record.from_dict({"target": {"bytes": png, "path": "x.png"}, "code": CODE}), "the same content"
    assert found.id != Record.from_dict({"target": png, "code": CODE + "\n"}).id


def test_defective_code_makes_a_refinement(png):
    found = Record.from_dict({"target": png, "code": CODE, "defective_code": "plt.plt()"})
    assert found.task == "refine"
    assert "```python\nplt.plt()\n```" in found.prompt


@pytest.mark.parametrize(
    ("code", "language", "domain"),
    [
        ("from rdkit import Chem\nprint(1)", "python", "chemistry"),
        ("plt.show()", "python", "chart"),
        ("<!DOCTYPE html><html></html>", "html", "web"),
        ("<div></div>", "html", "web"),
        ("<?xml version='1.0'?><svg:svg/>", "svg", "svg"),
        ("\\begin{tikzpicture}\\end{tikzpicture}", "latex", "latex"),
    ],
)
def test_language_and_domain_are_told_from_the_code(code, language, domain):
    assert language_of(code) == language
    assert domain_of(language, code) == domain
    assert LANGUAGE_OF[domain] == language


def test_an_id_may_be_a_whole_number():
    row = {"target": "a.png", "code": CODE}
    assert [Record.from_dict(row | {"id": name}).id for name in (17, 0, "17")] == ["17", "0", "17"]


def test_a_path_starts_at_the_directory_it_is_given(tmp_path):
    row = {"target": "a.png", "code": CODE}
    assert Record.from_dict(row).target == "a.png"
    assert Record.from_dict(row, tmp_path).target == str(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": None}, Reason.MISSING_VALUE),
        ({"code": 7}, Reason.WRONG_TYPE),
        ({"code": "\ud800"}, Reason.INVALID_UTF8),
        ({"target": None}, Reason.MISSING_VALUE),
        ({"target": {"bytes": None, "path": None}}, Reason.MISSING_VALUE),
        ({"target": {"bytes": "no base64!", "path": None}}, Reason.BROKEN_IMAGE),
        ({"target": 3}, Reason.WRONG_TYPE),
        ({"task": "draw"}, Reason.WRONG_TYPE),
        ({"task": "refine"}, Reason.MISSING_VALUE),
        ({"domain": "poetry", "language": "python"}, Reason.WRONG_TYPE),
        ({"language": "cobol"}, Reason.WRONG_LANGUAGE),
        ({"checks": "{"}, Reason.INVALID_JSON),
        ({"checks": "[" * 100_000}, Reason.INVALID_JSON),
        ({"checks": [1]}, Reason.WRONG_TYPE),
    ],
)
def test_a_wrong_value_is_named_by_its_reason(changes, reason, png):
    with pytest.raises(BadRow) as caught:
        Record.from_dict({"target": png, "code": CODE} | changes)
    assert caught.value.reason is reason


def test_a_fence_is_longer_than_any_in_the_code():
    code = 'text = """\n````\n"""\nprint(text)'
    assert align(fenced(code, "python"), "python").code == code
