"""Files of requests: what is read, what is refused, and which language each request is judged in."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vincicoder.cli.requests_file import RequestsFile, Row
from vincicoder.errors import ConfigError

SVG = "```svg\n<svg/>\n```"
HTML = "```html\n<html></html>\n```"


@pytest.fixture
def target(tmp_path: Path) -> str:
    Image.new("RGB", (64, 64), "white").save(tmp_path / "target.png")
    return "target.png"


def write(path: Path, *records: Any) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n")
    return path


def request(target: str, response: str = SVG, **more: Any) -> dict[str, Any]:
    return {"response": response, "target": target, "language": "svg", **more}


def read(path: Path, language: str | None = None, prompt: str | None = None) -> list[Row]:
    return list(RequestsFile(path, language, prompt))


def test_targets_are_found_beside_the_requests_file(tmp_path: Path, target: str) -> None:
    file = write(tmp_path / "r.jsonl", request(target), request("elsewhere.png"))
    first, second = read(file)
    assert first.request.target == str(tmp_path / target)
    assert second.request.target == "elsewhere.png"


def test_base64_targets_stay_as_they_are(tmp_path: Path, target: str) -> None:
    text = base64.b64encode((tmp_path / target).read_bytes()).decode()
    [row] = read(write(tmp_path / "r.jsonl", request(text)))
    assert row.request.target == text


def test_blank_lines_a_byte_order_mark_and_a_missing_last_line_end_do_no_harm(tmp_path: Path, target: str) -> None:
    file = tmp_path / "r.jsonl"
    file.write_bytes(
        b"\xef\xbb\xbf" + json.dumps(request(target)).encode() + b"\n\n" + json.dumps(request(target)).encode()
    )
    assert [row.number for row in read(file)] == [1, 3]
    assert len(RequestsFile(file)) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes at character 2"),
        ("[1]", "a list, not an object"),
        ('{"target": "t.png"}', "'response' is missing"),
        ('{"target": "t.png", "response": 7}', "'response' is a number"),
        ('{"response": "x"}', "'target' is missing"),
        ('{"response": "x", "target": "t.png", "language": "cobol"}', "'cobol' is not known"),
        ('{"response": "x", "target": "t.png", "prompt": ["p"]}', "'prompt' is a list"),
        ('{"response": "x", "target": "t.png", "reference": {}}', "'reference' is an object"),
        ("null", "null, not an object"),
        ("[" * 100_000, "not JSON"),
        ("\x00\x01", "not JSON"),
    ],
)
def test_a_broken_line_is_named_and_the_others_are_read(tmp_path: Path, target: str, line: str, reason: str) -> None:
    first, broken, last = read(write(tmp_path / "r.jsonl", request(target), line, request(target)))
    assert (first.problem, last.problem) == ("", "")
    assert broken.number == 2
    assert reason in broken.problem


def test_wrong_files_are_refused_in_a_sentence(tmp_path: Path, target: str) -> None:
    image = tmp_path / "image.jsonl"
    image.write_bytes((tmp_path / target).read_bytes())
    (tmp_path / "empty.jsonl").touch()
    write(tmp_path / "columns.jsonl", {"prompt": "p", "answer": "a", "target": "t"})
    (tmp_path / "fake.parquet").write_text("not parquet")
    for name, words in {
        "missing.jsonl": "does not exist",
        "image.jsonl": "not JSON",
        "empty.jsonl": "it is empty",
        "columns.jsonl": "no 'response'; it needs 'response' and 'target', and has: prompt, answer, target",
        "target.png": "must end in .jsonl or .parquet",
        "fake.parquet": "not a Parquet file",
    }.items():
        with pytest.raises(ConfigError, match=name) as caught:
            RequestsFile(tmp_path / name)
        assert words in str(caught.value)


def test_a_parquet_file_without_a_column_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"response": ["x"], "image": ["y"]}), tmp_path / "r.parquet")
    with pytest.raises(ConfigError, match=r"no 'target'.*has: response, image"):
        RequestsFile(tmp_path / "r.parquet")


# The language


@pytest.mark.parametrize(
    ("row", "default", "language", "origin"),
    [
        ({"language": "SVG "}, ("html", None), "svg", "request"),
        ({"language": "tikz"}, (None, None), "latex", "request"),
        ({"prompt": "Write SVG code for this icon."}, ("html", None), "svg", "request"),
        ({"prompt": "Reproduce this image."}, ("html", None), "html", "default"),
        ({"prompt": "Reproduce this image."}, (None, "Write HTML for this page."), "html", "default"),
        ({"language": " "}, ("html", "Write SVG code."), "html", "default"),
        ({}, (None, "Write HTML for this page."), "html", "default"),
        ({}, (None, None), "svg", "response"),
        ({"response": f"{SVG}\nor\n{HTML}"}, (None, None), "html", "response"),
        ({"response": "```svg\n<svg>"}, (None, None), "svg", "response"),
        ({"response": "<svg></svg>"}, (None, None), "svg", "response"),
        ({"response": "I cannot."}, (None, None), None, "nowhere"),
    ],
)
def test_a_row_is_judged_in_its_own_language_then_the_default_then_that_of_the_response(
    tmp_path: Path, row: dict[str, Any], default: tuple[str | None, str | None], language: str | None, origin: str
) -> None:
    file = write(tmp_path / "r.jsonl", {"response": SVG, "target": "t.png", **row})
    [found] = read(file, *default)
    assert (found.request.language, found.language_from) == (language, origin)


def test_another_default_makes_another_request_only_where_it_counts(tmp_path: Path, target: str) -> None:
    file = write(tmp_path / "r.jsonl", request(target), {"response": SVG, "target": target})
    own, silent = (row.key for row in read(file, "svg"))
    own_again, silent_again = (row.key for row in read(file, "html"))
    assert own == own_again
    assert silent != silent_again


# What else a row says


def test_a_reference_is_code_or_the_file_that_holds_it(tmp_path: Path, target: str) -> None:
    (tmp_path / "reference.svg").write_text("<svg/>")
    rows = [request(target, reference=text) for text in ("<svg>\n</svg>", "reference.svg", "<svg/>", "lost.svg", None)]
    found = [row.request.reference for row in read(write(tmp_path / "r.jsonl", *rows))]
    assert found == ["<svg>\n</svg>", "<svg/>", "<svg/>", "lost.svg", None]


def test_a_reference_in_a_huge_file_is_a_broken_row_and_not_read_whole(tmp_path: Path, target: str) -> None:
    with (tmp_path / "huge.svg").open("wb") as file:
        file.truncate(1 << 40)
    broken, good = read(write(tmp_path / "r.jsonl", request(target, reference="huge.svg"), request(target)))
    assert broken.problem == "line 1: 'reference' cannot be read: its file is over 16 MiB"
    assert not good.problem


def test_another_reference_makes_another_request(tmp_path: Path, target: str) -> None:
    keys = [
        read(write(tmp_path / "r.jsonl", request(target, reference=reference)))[0].key for reference in (None, "a", "b")
    ]
    assert len(set(keys)) == 3


def test_other_columns_are_metadata_and_the_group_is_its_uid(tmp_path: Path, target: str) -> None:
    file = write(tmp_path / "r.jsonl", request(target, group="g", note={"by": "hand"}), request(target, uid=3))
    first, second = (dict(row.request.metadata) for row in read(file))
    assert first == {"uid": "g", "group": "g", "note": {"by": "hand"}}
    assert second == {"uid": 3}
