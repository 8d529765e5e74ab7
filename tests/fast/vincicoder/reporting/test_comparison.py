"""Two reports become one: which responses belong together, and what a foreign page cannot do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from report_rows import HOSTILE, IMAGE, data_of, result, row, write_report

from vincicoder.cli import main
from vincicoder.cli.parser import FINE, USAGE
from vincicoder.errors import ConfigError
from vincicoder.reporting import Report, Summary
from vincicoder.reporting.comparison import compare_reports


def without_ids(directory: Path, scores: dict[str, list[float]]) -> Path:
    report, summary, number = Report(directory, directory.name), Summary(), 0
    for group, values in scores.items():
        for value in values:
            number += 1
            report.add(result(id="", overall=value), render=IMAGE, **row(number, group=group))
            summary.add(result())
    return report.finish(summary).parent


def test_responses_belong_together_by_their_ids(tmp_path: Path) -> None:
    before = write_report(tmp_path / "a", [(row(1), result(overall=0.5), IMAGE), (row(2), result(), IMAGE)], "A")
    now = write_report(tmp_path / "b", [(row(2), result("blank"), None), (row(3), result(), IMAGE)], "B")
    data = data_of(compare_reports(before.parent, now.parent, tmp_path / "c"))
    assert [each["id"] for each in data["rows"]] == ["id2", "id3"]
    assert data["rows"][0]["change"] == -0.9
    assert "before" not in data["rows"][1]
    assert data["before"]["unmatched"] == 1
    assert (tmp_path / "c" / data["rows"][0]["before"]["render"]["src"]).is_file()


def test_responses_without_ids_belong_together_by_prompt_and_rank(tmp_path: Path) -> None:
    before = without_ids(tmp_path / "a", {"p": [0.2, 0.8], "q": [0.5]})
    now = without_ids(tmp_path / "b", {"q": [0.4, 0.6], "p": [0.9, 0.1]})
    data = data_of(compare_reports(before, now, tmp_path / "c"))
    assert [each.get("change") for each in data["rows"]] == [None, 0.1, 0.1, -0.1]


def test_a_directory_without_a_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").write_text("<p>another page</p>")
    with pytest.raises(ConfigError, match="holds no report"):
        compare_reports(tmp_path, tmp_path, tmp_path / "out")
    assert main(["compare", str(tmp_path), "/nowhere", "--out", str(tmp_path / "out")]) == USAGE
    assert "holds no report" in capsys.readouterr().err


def changed(page: Path, change: dict[str, Any]) -> None:
    data = data_of(page)
    data["rows"][0].update(change)
    text = page.read_text("utf-8")
    start = text.index('id="data">') + len('id="data">')
    page.write_text(
        text[:start] + json.dumps(data).replace("<", "\\u003c") + text[text.index("</script>", start) :], "utf-8"
    )


@pytest.mark.parametrize("source", ["../secret.webp", "/etc/passwd", "images/../../secret.webp", "images/link.webp"])
def test_a_foreign_report_copies_no_file_from_elsewhere(tmp_path: Path, source: str) -> None:
    (tmp_path / "secret.webp").write_text("secret")
    page = write_report(tmp_path / "a", [(row(1, response=HOSTILE), result(code=HOSTILE), IMAGE)], HOSTILE)
    (page.parent / "images" / "link.webp").symlink_to(tmp_path / "secret.webp")
    changed(page, {"render": {"src": source, "width": 1, "height": 1, "shrunk": False}})
    both = tmp_path / "c"
    assert main(["compare", str(page.parent), str(page.parent), "--out", str(both)]) == FINE
    assert data_of(both / "index.html")["rows"][0]["render"] is None
    assert all(path.read_bytes() != b"secret" for path in both.rglob("*") if path.is_file())
    assert (both / "index.html").read_text("utf-8").count("<script") == 2
