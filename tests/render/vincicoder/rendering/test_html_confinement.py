"""Pages in a real browser: what its own addresses show, and what a page cannot make of the next.

What pages try to reach and to leave behind is in `vincicoder.attacks`, and tried in ``tests/render/vincicoder/attacks``.
"""

from __future__ import annotations

import pytest
from PIL import Image
from rendered import GREEN, OK, colour, image_of, page

from vincicoder.rendering.sandbox.client import ForkServer


def dark(image: Image.Image) -> int:
    return sum(image.convert("L").histogram()[:128])


@pytest.mark.parametrize("url", ["file:///proc/self/environ"])
@pytest.mark.parametrize(
    "code",
    [
        "<iframe src='{url}' width=1200 height=600></iframe>",
        "<object data='{url}' width=1200 height=600></object>",
        "<embed src='{url}' type='text/plain' width=1200 height=600>",
        "<script>location = '{url}'</script>",
        "<meta http-equiv=refresh content='0;url={url}'>",
        "<script>fetch('{url}').then(r => r.text()).then(t => document.write(t))</script>",
        "<body><script>document.body.append('x'.repeat(0)); open('{url}')</script>",
    ],
)
def test_files_are_out_of_reach(browser: ForkServer, code: str, url: str) -> None:
    assert dark(image_of(browser, code.format(url=url))) < 1500  # a broken-image sign at most; /etc/passwd is far more


def test_chrome_pages_are_out_of_reach(browser: ForkServer) -> None:
    for url in ("chrome://version", "chrome://settings", "devtools://devtools/bundled/inspector.html"):
        assert colour(browser, page(f"{OK}; location = '{url}'")) == GREEN


def test_a_page_cannot_plant_what_the_next_will_be(browser: ForkServer) -> None:
    plant = "".join(f"<iframe src='http://r{n:03d}.invalid/'></iframe>" for n in range(100))
    image_of(browser, page("for (let n = 0; n < 100; n++) fetch(`http://r0${n}.invalid/`).catch(() => {})", plant))
    assert colour(browser, page(OK)) == GREEN
