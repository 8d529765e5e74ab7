"""The report in a browser: it runs nothing of a response, filters, and stays quick with many rows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_rows import HOSTILE, PICTURE, result, row, write_report

from vincicoder.reporting import Report, Summary


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
