"""The report in a browser: nothing scrolls sideways at either width, and nothing of a response runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_rows import HOSTILE
from tiny_benchmarks import scored

from vincicoder.evaluation.report import EvaluationReport

FIRST: dict[str, float | None] = {f"s{number:02}": number / 40 for number in range(30)}
SECOND: dict[str, float | None] = {**{f"s{number:02}": number / 40 + 0.1 for number in range(30)}, "s03": None}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_width_and_shows_the_models_row(
    tmp_path: Path, browser: Any, width: int, scheme: str
) -> None:
    page = EvaluationReport([scored("my-sft", FIRST), scored("my-rl", SECOND)], "Title").write(tmp_path)
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(page.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    shown = " ".join(tab.locator("tr.own:visible", has_text="my-rl").all_inner_texts())
    assert f"{100 * sum(value or 0 for value in SECOND.values()) / 30:.1f}" in shown
    assert "57.4" in " ".join(tab.locator("tr:visible", has_text="GPT-5").all_inner_texts())
    assert tab.get_by_text("my-rl less my-sft").is_visible()
    assert tab.locator("svg circle").count() >= 4
    assert problems == []


def test_nothing_of_a_response_runs(tmp_path: Path, browser: Any) -> None:
    page = EvaluationReport([scored(HOSTILE, FIRST, code=HOSTILE, message=HOSTILE)], HOSTILE).write(tmp_path)
    tab = browser.new_page()
    tab.goto(page.as_uri())
    tab.locator("summary").first.click()
    assert "window.pwned = 1" in tab.locator("pre").first.inner_text()
    assert tab.evaluate("window.pwned") is None
