"""The report: complete, self-contained, and safe to open whatever the responses say."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.reporting import Report, Summary
from vincicoder.reporting import report as report_module

HOSTILE = (
    "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
    "<!--<script>\u2028\u2029{{DATA}}{{POLICY}}&lt;b&gt;\ud800"
)


def row(number: int = 1, target: Any = None, response: str = "text", **labels: str) -> dict[str, Any]:
    """What a report takes besides a result and its render."""
    target = Image.new("RGB", (40, 30), "red") if target is None else target
    return {"number": number, "key": f"key{number}", "target": target, "response": response, "labels": labels}


def write_report(directory: Path, entries: Iterable[tuple[dict[str, Any], dict[str, Any], Any]], title: str) -> Path:
    report, summary = Report(directory, title), Summary()
    for request, result, render in entries:
        named = {**result, "id": f"id{request['number']}"}
        report.add(named, render=render, **request)
        summary.add(named, request["labels"])
    return report.finish(summary)


def result(status: str = "ok", **changes: Any) -> dict[str, Any]:
    drew = status == "ok"
    data: dict[str, Any] = {
        **dict.fromkeys(("overall", "visual", "coarse", "fine"), 0.9 if drew else 0.0),
        "alignment": 1.0,
        "execution": float(drew),
        "status": status,
        "message": "" if drew else "it failed",
        "language": "svg",
        "code": "<svg/>",
        "grid": [2, 1] if drew else None,
        "tiles": [0.95, 0.85] if drew else [],
        "encoder": "embedded",
        "preset": "paper",
        "seconds": {"render": 0.1, "total": 0.2},
    }
    return {**data, **changes}


PICTURE = Image.new("RGB", (400, 200), "blue")


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_rows_and_tables_are_in_the_page_and_pictures_beside_it(tmp_path: Path) -> None:
    rows = [(row(2, kind="bad"), result("timeout"), None), (row(1, kind="good"), result(), PICTURE)]
    page = write_report(tmp_path / "report", rows, "Title")
    data = data_of(page)
    assert [each["id"] for each in data["rows"]] == ["id1", "id2"]
    assert list(data["summary"]["by_kind"]) == ["good", "bad"]
    good, bad = data["rows"]
    assert bad["render"] is None
    assert (good["render"]["width"], good["render"]["height"]) == (400, 200)
    assert (page.parent / good["render"]["src"]).is_file()
    assert good["target"] == bad["target"]  # one picture for all that share it
    assert len(list((page.parent / "images").iterdir())) == 2


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
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


def test_a_report_that_goes_on_finds_its_pictures(tmp_path: Path) -> None:
    write_report(tmp_path, [(row(), result(), PICTURE)], "Title")
    page = write_report(tmp_path, [(row(), result(), None)], "Title")
    assert data_of(page)["rows"][0]["render"]["width"] == 400


def test_very_long_texts_are_cut(tmp_path: Path) -> None:
    page = write_report(tmp_path, [(row(response="x" * 1_000_000), result(), None)], "Title")
    assert data_of(page)["rows"][0]["response"].endswith("980,000 more characters")


def test_a_report_of_too_many_rows_shows_the_first_and_counts_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_module, "MAX_ROWS", 3)
    page = write_report(tmp_path, [(row(number), result(), None) for number in range(1, 6)], "Title")
    data = data_of(page)
    assert (len(data["rows"]), data["total"], data["summary"]["n"]) == (3, 5, 5)


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


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="report directory"):
        Report(tmp_path / "file" / "report", "Title")


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


def opened(browser: Any, page: Path) -> tuple[Any, list[str]]:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(page.as_uri())
    return tab, problems


def test_the_browser_runs_nothing_of_a_hostile_response(tmp_path: Path, browser: Any) -> None:
    hostile = row(response=HOSTILE, kind=HOSTILE, domain=HOSTILE)
    page = write_report(tmp_path, [(hostile, result(code=HOSTILE, message=HOSTILE), PICTURE)], HOSTILE)
    tab, problems = opened(browser, page)
    for label in ("Code", "Response"):
        tab.get_by_text(label, exact=True).click()
    assert tab.evaluate("window.pwned") is None
    assert "window.pwned = 1" in tab.locator(".message").text_content()
    assert "window.pwned = 1" in tab.locator("pre").nth(1).text_content()
    assert problems == []


def test_the_browser_shows_pictures_tiles_and_filters(tmp_path: Path, browser: Any) -> None:
    rows = [
        (row(1, kind="good", domain="chart"), result(), PICTURE),
        (row(2, kind="bad", domain="svg"), result("timeout"), None),
        (row(3, kind="good", domain="svg"), result(overall=0.95), PICTURE),
    ]
    tab, problems = opened(browser, write_report(tmp_path, rows, "Title"))
    assert tab.locator("article").count() == 3
    tab.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert tab.locator("article").first.locator(".cells span").all_text_contents() == ["0.95", "0.85"]
    tab.select_option("#sort", "Highest overall")
    assert tab.locator("article strong").all_text_contents() == ["id3", "id1", "id2"]
    tab.select_option("#status", "timeout")
    assert tab.locator("article strong").all_text_contents() == ["id2"]
    tab.select_option("#kind", "good")
    assert tab.get_by_text("No response matches.").is_visible()
    assert problems == []


def test_the_browser_makes_cards_only_as_they_come_into_view(tmp_path: Path, browser: Any) -> None:
    report, summary = Report(tmp_path, "Title"), Summary()
    for number in range(1, 501):
        report.add(result(id=""), render=PICTURE if number == 1 else None, **row(number))
        summary.add(result())
    tab, problems = opened(browser, report.finish(summary))
    assert tab.locator("article").count() < 60
    tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    deadline = time.monotonic() + 20  # the page forbids eval, which Playwright's own waiting needs
    while tab.locator("article").count() <= 30 and time.monotonic() < deadline:
        tab.wait_for_timeout(50)
    assert tab.locator("article").count() > 30
    assert problems == []
