"""The report in a browser: it runs nothing of a response, filters, and stays quick with many rows."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from report_rows import HOSTILE, IMAGE, result, row, write_report

from vincicoder.reporting import Plot, Report, Summary
from vincicoder.reporting.comparison import compare_reports
from vincicoder.status import Status


def opened(browser: Any, page: Path, width: int = 1280) -> tuple[Any, list[str]]:
    tab = browser.new_page(viewport={"width": width, "height": 900})
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(page.as_uri())
    return tab, problems


def test_the_browser_runs_nothing_of_a_hostile_response(tmp_path: Path, browser: Any) -> None:
    hostile = row(response=HOSTILE, kind=HOSTILE, domain=HOSTILE)
    page = write_report(tmp_path, [(hostile, result(code=HOSTILE, message=HOSTILE), IMAGE)], HOSTILE)
    tab, problems = opened(browser, page)
    for label in ("Code", "Response"):
        tab.get_by_text(label, exact=True).click()
    assert tab.evaluate("window.pwned") is None
    assert "window.pwned = 1" in tab.locator(".message").text_content()
    assert "window.pwned = 1" in tab.locator("pre").nth(0).text_content()
    assert "window.pwned = 1" in tab.locator("pre").nth(1).text_content()
    assert problems == []


def test_the_browser_shows_images_tiles_and_filters(tmp_path: Path, browser: Any) -> None:
    rows = [
        (row(1, kind="good", domain="chart"), result(), IMAGE),
        (row(2, kind="bad", domain="svg"), result("timeout"), None),
        (row(3, kind="good", domain="svg"), result(overall=0.95), IMAGE),
    ]
    tab, problems = opened(browser, write_report(tmp_path, rows, "Title"))
    assert tab.locator("article").count() == 3
    tab.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert tab.locator("article").first.locator(".cells span").all_text_contents() == ["0.95", "0.85"]
    tab.select_option("#sort", "best")
    assert tab.locator("article strong").all_text_contents() == ["id3", "id1", "id2"]
    tab.select_option("#status", "timeout")
    assert tab.locator("article strong").all_text_contents() == ["id2"]
    tab.select_option("#kind", "good")
    assert tab.get_by_text("No response matches.").is_visible()
    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plot_fits_a_telephone_and_follows_the_colour_scheme(tmp_path: Path, browser: Any, scheme: str) -> None:
    drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="300"><rect width="9" height="9"/></svg>'
    report, summary = Report(tmp_path, "Title"), Summary()
    report.add(result(id="", preset="paper"), render=IMAGE, **row(1))
    report.add(result(id="", preset="robust"), render=IMAGE, **row(2))
    page = report.finish(summary, [Plot("mine", "What it shows", drawn.encode(), drawn.encode())])
    tab = browser.new_page(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    problems: list[str] = []
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(page.as_uri())
    shown = tab.locator(".plot img")
    tab.wait_for_function("document.querySelector('.plot img').naturalWidth > 0")
    assert shown.evaluate("image => image.currentSrc").endswith(f"plot-mine-{scheme}.svg")
    assert tab.get_by_text("What it shows").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.locator("#preset option").all_text_contents() == ["Every preset", "paper", "robust"]
    assert problems == []


def test_the_browser_makes_cards_only_as_they_come_into_view(tmp_path: Path, browser: Any) -> None:
    report, summary = Report(tmp_path, "Title"), Summary()
    for number in range(1, 501):
        report.add(result(id=""), render=IMAGE if number == 1 else None, **row(number))
        summary.add(result())
    tab, problems = opened(browser, report.finish(summary))
    assert tab.locator("article").count() < 60
    tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    deadline = time.monotonic() + 20  # the page forbids eval, which Playwright's own waiting needs
    while tab.locator("article").count() <= 30 and time.monotonic() < deadline:
        tab.wait_for_timeout(50)
    assert tab.locator("article").count() > 30
    assert problems == []


def mixed_rows() -> list[tuple[dict[str, Any], dict[str, Any], Any]]:
    """Every status, long names, and rows that nobody judged or whose language nobody asked for."""
    kinds = ("good", "a kind with a name that is longer than most", "bad")
    rows = []
    for number, status in enumerate(Status, 1):
        labels = {"kind": kinds[number % 3], "domain": "svg", "expected_status": "ok"}
        scored = result(str(status), language_from="response" if number % 2 else "request")
        rows.append((row(number, **labels), scored, IMAGE if status == "ok" else None))
    only_unjudged = row(len(rows) + 1, kind="lost", domain="chart", expected_status="ok")
    return [*rows, (only_unjudged, result("infrastructure", message="x" * 500), None)]


CUT_OFF = """() => [...document.querySelectorAll('body *')].filter(element => {
  const box = element.getBoundingClientRect();
  const shown = box.width > 0 && getComputedStyle(element).overflowX !== 'visible' && element.tagName !== 'PRE';
  return box.right > innerWidth + 1 || (shown && element.scrollWidth > element.clientWidth + 1);
}).map(element => element.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("components", [0, 3, 12])
@pytest.mark.parametrize("width", [1200, 800, 390])
def test_nothing_is_cut_off_on_a_desktop_or_a_phone(tmp_path: Path, browser: Any, width: int, components: int) -> None:
    scores = {f"component_{i}": 0.5 for i in range(components)}
    rows = [(request, {**scored, "scores": scores}, image) for request, scored, image in mixed_rows()]
    tab, problems = opened(browser, write_report(tmp_path, rows, "A title"), width)
    assert tab.evaluate(CUT_OFF) == []
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.locator(".status").first.is_visible()
    assert problems == []


def test_the_page_and_the_terminal_show_the_same_numbers(tmp_path: Path, browser: Any) -> None:
    summary = Summary()
    for request, scored, _ in mixed_rows():
        summary.add(scored, request["labels"])
    tab, problems = opened(browser, write_report(tmp_path, mixed_rows(), "Title"))
    by_kind, by_domain, everything, remarks = summary.table().split("\n\n")
    for table, printed in zip(tab.locator("table").all(), (by_kind, by_domain), strict=True):
        shown = [table_row.locator("td").all_inner_texts() for table_row in table.locator("tbody tr").all()]
        assert [tidy(" ".join(cells)) for cells in shown] == [tidy(line) for line in printed.splitlines()[1:]]
    figures = dict(
        figure.inner_text().split("\n")[::-1]
        for figure in tab.locator(".figure").all()  # the label below its number
    )
    count, judged, overall, visual, expected = everything.splitlines()[1].split()[:5]
    assert (figures["responses"], figures["judged"]) == (count, f"{judged} / {count}")
    assert (figures["mean overall"], figures["mean visual"]) == (overall, visual)
    assert figures["expected status"].replace(" ", "") == expected
    data = summary.to_dict()
    assert f"judged {judged} of {count}, rendered {data['rendered']} of {count}" in remarks
    assert figures["rendered"] == f"{data['rendered']} / {count}"
    assert figures["broken line"] == "1"
    assert remarks.splitlines()[2].capitalize() in tab.locator("header").inner_text()
    assert tab.get_by_text("not judged").count() == len(mixed_rows()) - data["judged"]
    assert tab.locator(".meters:not(:empty)").count() == data["judged"]
    assert problems == []


def tidy(line: str) -> str:
    """A line of either table without what is only its layout."""
    return re.sub(r"[\s,_]+", " ", line.replace(" / ", "/").replace("–", "-")).strip()


def numbered(count: int, **labels: str) -> list[tuple[dict[str, Any], dict[str, Any], Any]]:
    """Responses whose overall falls from one to the next."""
    return [(row(i, **labels), result(overall=round(1 - i / 10, 1)), IMAGE) for i in range(1, count + 1)]


def ids(tab: Any) -> list[str]:
    found: list[str] = tab.locator("article strong").all_text_contents()
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("overall < 0.75", ["id3", "id4"]),
        ("overall<0.75 and not id == 'id4'", ["id3"]),
        ('(number >= 2 and number <= 3) or id = "id1"', ["id1", "id2", "id3"]),
        ("code ~ 'SVG' and status != \"timeout\"", ["id1", "id2", "id3", "id4"]),
        ("message ~ nothing", None),
        ("overall <", None),
        ("overall < 0.5 ) or", None),
        ("constructor == 1", None),
        ("alert(1)", None),
        ("text > 0.1", None),  # no response has this component
        ("(" * 600, None),
    ],
)
def test_a_filter_is_parsed_and_a_wrong_one_is_explained(
    tmp_path: Path, browser: Any, text: str, found: list[str] | None
) -> None:
    tab, problems = opened(browser, write_report(tmp_path, numbered(4), "Title"))
    tab.fill("#filter", text)
    assert tab.locator("#problem").is_visible() == (found is None)
    assert ids(tab) == (found or ["id1", "id2", "id3", "id4"])
    assert problems == []


def test_a_link_brings_filter_order_groups_and_a_response(tmp_path: Path, browser: Any) -> None:
    rows = [*numbered(3, group="first"), (row(4, group="second"), result(overall=0.75), IMAGE)]
    page = write_report(tmp_path, rows, "Title")
    tab, problems = opened(browser, page)
    tab.select_option("#sort", "worst")
    tab.select_option("#group", "prompt")
    tab.fill("#filter", "overall < 0.85")
    assert ids(tab) == ["id3", "id2", "id4"]
    assert tab.locator("h2.group").all_text_contents() == [
        "first 2 · mean 0.750 · 0.700 to 0.800",
        "second 1 · mean 0.750 · 0.750 to 0.750",
    ]
    link = tab.locator("article").nth(1).locator("a.link").get_attribute("href")
    other, more = opened(browser, page)
    other.goto(f"{page.as_uri()}{link}")
    other.reload()
    assert (other.input_value("#filter"), other.input_value("#group")) == ("overall < 0.85", "prompt")
    assert ids(other) == ["id2", "id3", "id4"], "the response of the link stands above all others"
    assert other.locator(".linked strong").text_content() == "id2"
    other.goto(f"{page.as_uri()}#row=nonsense&sort=nonsense&filter=%22")
    other.reload()
    assert len(ids(other)) == 4
    assert problems == more == []


def test_images_are_looked_at_in_the_same_place_and_subtracted(tmp_path: Path, browser: Any) -> None:
    target = Image.new("RGB", (400, 200), "blue")
    target.paste("red", (300, 0, 400, 200))
    page = write_report(tmp_path, [(row(1, target=target), result(), IMAGE)], "Title")
    tab, problems = opened(browser, page, 1000)
    tab.locator(".zoomable").first.click()
    assert tab.locator(".viewer .pane").count() == 2
    tab.get_by_label("Zoom in").click()
    moved = [img.evaluate("img => img.style.transform") for img in tab.locator(".pane img").all()]
    assert moved[0] == moved[1]
    assert "scale(1.5)" in moved[0]
    tab.get_by_label("Show all").click()
    tab.select_option(".viewer select", "difference")
    tab.wait_for_function("[...document.querySelectorAll('.pane img')].every(image => image.complete)")
    shot = Image.open(io.BytesIO(tab.locator(".pane").screenshot())).convert("RGB")
    same, other = (shot.getpixel((int(shot.width * part), shot.height // 2)) for part in (0.4, 0.9))
    assert min(same) > 240, "what is equal is white"
    assert min(other) < 60, "what differs is not"
    tab.keyboard.press("Escape")
    tab.locator(".viewer").wait_for(state="detached")
    assert problems == []


def test_code_shows_the_line_that_failed_and_can_be_copied_as_it_is(tmp_path: Path, browser: Any) -> None:
    code = "import x\n\n# a comment\nprint('two\\'s')\nboom()\n"
    failed = result("runtime_error", code=code, language="python", message="NameError: boom (line 5)")
    tab, problems = opened(browser, write_report(tmp_path, [(row(1), failed, None)], "Title"))
    tab.get_by_text("Code, line 5 failed").click()
    assert tab.locator(".code").text_content() == code
    assert tab.locator(".code .failing").text_content().strip() == "boom()"
    assert tab.locator(".code .comment").all_text_contents() == ["# a comment"]
    assert tab.locator(".code .string").all_text_contents() == ["'two\\'s'"]
    assert problems == []


def test_two_reports_stand_side_by_side_with_what_changed(tmp_path: Path, browser: Any) -> None:
    before = write_report(tmp_path / "before", numbered(3), "Before").parent
    rows = [(row(1), result("timeout"), None), (row(2), result(overall=0.9), IMAGE), (row(4), result(), IMAGE)]
    now = write_report(tmp_path / "now", rows, "Now").parent
    page = compare_reports(before, now, tmp_path / "both")
    tab, problems = opened(browser, page)
    assert "1 better, 1 worse, 1 only here, 1 only before" in tab.locator("#summary").inner_text()
    tab.select_option("#sort", "lost")
    assert ids(tab) == ["id1", "id2", "id4"]
    assert tab.locator("article").first.locator(".status").all_text_contents() == ["ok", "timeout"]
    tab.fill("#filter", "before.overall > 0.85 and change < 0")
    assert ids(tab) == ["id1"]
    tab.fill("#filter", "change > 0")
    tab.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    tab.locator(".zoomable").first.click()
    assert tab.locator(".viewer figcaption").all_text_contents() == ["Target", "Before", "Now"]
    assert problems == []
