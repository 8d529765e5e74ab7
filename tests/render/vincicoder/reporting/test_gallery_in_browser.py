"""The gallery of a run in a browser: the slider shows each step, and nothing of a response runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report_rows import HOSTILE, IMAGE

from vincicoder.reporting.gallery import Gallery, Shown


def shown(name: str, overall: float, prompt: str, status: str = "ok") -> Shown:
    data = {"overall": overall, "status": status, "message": HOSTILE, "language": "svg", "text": HOSTILE}
    images = {"target": IMAGE, **({"render": IMAGE} if status == "ok" else {})}
    return Shown(name, {**data, "prompt": prompt}, images)


def test_the_slider_shows_each_step_with_its_images_and_runs_nothing_of_a_response(
    tmp_path: Path, browser: Any
) -> None:
    gallery = Gallery(tmp_path, 2, title=HOSTILE)
    for step, score in ((10, 0.2), (20, 0.8)):
        rows = [shown(f"a{step}", score, "p"), shown(f"b{step}", 0.1, "q"), shown(f"c{step}", 0, "r", "timeout")]
        gallery.add(step, rows, followed=["p"] if step == 20 else [])
    tab = browser.new_page(viewport={"width": 390, "height": 900})
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(gallery.page.as_uri())
    assert tab.locator("#shown").text_content() == "step 20 (2 of 2)", "the latest comes first"
    assert tab.locator(".card b").all_text_contents() == ["0.800", "0.100", "0.000"]
    tab.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert tab.locator(".strip figcaption").all_text_contents() == ["target", "step 20 · 0.800"]
    tab.locator("#before").click()
    assert tab.locator(".card b").all_text_contents() == ["0.200", "0.100", "0.000"]
    assert tab.evaluate("window.pwned") is None
    assert tab.evaluate("document.documentElement.scrollWidth") == 390, "a telephone scrolls down only"
    assert problems == []
    tab.goto(f"{gallery.page.as_uri()}#step-10")
    tab.reload()
    assert tab.locator("#shown").text_content() == "step 10 (1 of 2)", "a link leads to its step"


def test_a_target_is_shown_as_large_as_its_render_however_few_pixels_it_has(tmp_path: Path, browser: Any) -> None:
    row = shown("a", 0.5, "p")
    gallery = Gallery(tmp_path, 1)
    gallery.add(1, [row._replace(images={"target": IMAGE.resize((8, 6)), "render": IMAGE.resize((400, 300))})])
    tab = browser.new_page(viewport={"width": 900, "height": 900})
    tab.goto(gallery.page.as_uri())
    tab.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    target, render = (each.bounding_box() for each in tab.locator(".card img").all())
    assert (target["width"], target["height"]) == (render["width"], render["height"])
