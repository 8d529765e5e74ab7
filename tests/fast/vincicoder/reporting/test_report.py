"""The report: complete, self-contained, and safe to open whatever the responses say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from report_rows import HOSTILE, IMAGE, data_of, result, row, write_report

from vincicoder.errors import ConfigError
from vincicoder.reporting import Report
from vincicoder.reporting import report as report_module


def test_rows_and_tables_are_in_the_page_and_images_beside_it(tmp_path: Path) -> None:
    rows = [(row(2, kind="bad"), result("timeout"), None), (row(1, kind="good"), result(), IMAGE)]
    page = write_report(tmp_path / "report", rows, "Title")
    data = data_of(page)
    assert [each["id"] for each in data["rows"]] == ["id1", "id2"]
    assert list(data["summary"]["by_kind"]) == ["good", "bad"]
    good, bad = data["rows"]
    assert bad["render"] is None
    assert (good["render"]["width"], good["render"]["height"]) == (400, 200)
    assert (page.parent / good["render"]["src"]).is_file()
    assert good["target"] == bad["target"]  # one image for all that share it
    assert len(list((page.parent / "images").iterdir())) == 2


def test_components_beyond_the_named_scores_are_in_the_page(tmp_path: Path) -> None:
    scores = {"paper": 0.9, "coarse": 0.9, "alignment": 1.0, "text": 0.12345, "does not apply": None}
    rows = [(row(1), result(scores=scores), IMAGE), (row(2), result(scores=scores, preset="robust"), IMAGE)]
    first, second = data_of(write_report(tmp_path, rows, "Title"))["rows"]
    assert first["components"] == {"text": 0.1235}
    assert second["components"] == {"paper": 0.9, "text": 0.1235}


def test_large_images_are_shrunk(tmp_path: Path) -> None:
    page = write_report(tmp_path, [(row(), result(), Image.new("RGB", (3000, 200)))], "Title")
    assert data_of(page)["rows"][0]["render"] == {
        "src": "images/render-key1.webp",
        "width": 1200,
        "height": 80,
        "shrunk": True,
    }


def test_a_target_that_cannot_be_opened_is_shown_as_missing(tmp_path: Path) -> None:
    page = write_report(tmp_path, [(row(target="nowhere.png"), result("bad_target"), None)], "Title")
    assert data_of(page)["rows"][0]["target"] is None


def test_a_report_that_goes_on_finds_its_images(tmp_path: Path) -> None:
    write_report(tmp_path, [(row(), result(), IMAGE)], "Title")
    page = write_report(tmp_path, [(row(), result(), None)], "Title")
    assert data_of(page)["rows"][0]["render"]["width"] == 400


def test_very_long_texts_are_cut(tmp_path: Path) -> None:
    page = write_report(tmp_path, [(row(response="x" * 1_000_000), result(), None)], "Title")
    assert data_of(page)["rows"][0]["response"].endswith("980,000 more characters")


def test_a_report_of_too_many_rows_shows_the_first_and_the_worst_and_counts_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_module, "MAX_ROWS", 4)
    scores = [0.9, 0.8, 0.9, 0.1, 0.7, 0.9, 0.2, 0.3]
    rows = [(row(number), result(overall=score), IMAGE) for number, score in enumerate(scores, 1)]
    lost = (row(9), result("infrastructure"), None)  # which is nobody's bad work
    page = write_report(tmp_path, [*rows, lost], "Title")
    data = data_of(page)
    assert [each["number"] for each in data["rows"]] == [1, 2, 4, 7]
    assert (data["total"], data["summary"]["n"]) == (9, 9)
    shown = {each["render"]["src"] for each in data["rows"]}
    assert {f"images/{path.name}" for path in (tmp_path / "images").glob("render-*")} == shown


@pytest.mark.parametrize(
    ("message", "code", "line"),
    [
        ("SyntaxError: '(' was never closed (response.py, line 2)", "a\nb(\n", 2),
        ("not well-formed XML: mismatched tag: line 3, column 2", "<svg>\n<rect>\n</svg>", 3),
        (r"./figure.tex:6: Undefined control sequence. l.6 \bad", "\\begin{a}\n  \\bad x\n\\end{a}", 2),
        ("./figure.tex:2: Something else", "a\nb", 2),
        ("used more than 10 s of CPU time", "a", None),
        ("it failed (line 7)", "one line", None),
    ],
)
def test_the_line_that_a_message_blames_is_found(message: str, code: str, line: int | None) -> None:
    assert report_module.failing_line(message, code) == line


def test_nothing_that_a_response_says_can_leave_its_place(tmp_path: Path) -> None:
    hostile = row(response=HOSTILE, kind=HOSTILE, domain=HOSTILE)
    page = write_report(tmp_path, [(hostile, result(code=HOSTILE, message=HOSTILE), None)], HOSTILE)
    text = page.read_text(encoding="utf-8")
    assert text[text.index('id="data"') :].split("</script")[0].isascii()
    assert text.count("<script") == 2
    assert text.count("</script") == 2
    assert "<img" not in text
    assert data_of(page)["rows"][0]["response"] == HOSTILE


def test_the_page_allows_no_script_but_its_own_and_no_network(tmp_path: Path) -> None:
    text = write_report(tmp_path, [], "Title").read_text()
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert found is not None
    policy = found[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text)


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="report directory"):
        Report(tmp_path / "file" / "report", "Title")
