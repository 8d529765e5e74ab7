"""Pages in a real browser: what its own addresses show, and what a page cannot make of the next.

What pages try to reach and to leave behind is in `vincicoder.attacks`, and tried in ``tests/render/vincicoder/attacks``.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from PIL import Image
from rendered import GREEN, OK, colour, image_of, page

from vincicoder.rendering.sandbox import processes
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


# What pages cannot leave behind

STORE = """
const mark = "LEFT" + "BEHIND", much = mark.repeat(2e6);
localStorage.mark = sessionStorage.mark = document.cookie = mark;
setInterval(() => { for (let i = 0; i < 1e6; i++); }, 4);  // so that what follows has the time that it needs
const context = document.createElement("canvas").getContext("webgl");
if (context) {
    const shader = context.createShader(context.VERTEX_SHADER);
    context.shaderSource(shader, `// ${mark}\nvoid main() {}`);
    context.compileShader(shader);
}
URL.createObjectURL(new Blob([much]));
const open = indexedDB.open("left", 1);
open.onupgradeneeded = () => open.result.createObjectStore("left");
open.onsuccess = () => {
    const change = open.result.transaction("left", "readwrite");
    change.objectStore("left").put(much, mark);
    change.oncomplete = () => { document.body.style.background = "green" };
};
"""


def test_nothing_that_a_page_stores_reaches_the_disk(browser: ForkServer) -> None:
    image_of(browser, page(OK))
    before = held_by(browser)
    assert colour(browser, page(STORE)) == GREEN, "it is stored"
    assert before, "the browser has a directory"
    after = held_by(browser)
    assert [name for name, content in after.items() if b"LEFTBEHIND" in content] == []
    assert sum(map(len, after.values())) - sum(map(len, before.values())) < 1 << 20
    image_of(browser, page(OK))
    assert [name for name, content in held_by(browser).items() if b"LEFTBEHIND" in content] == []


def held_by(browser: ForkServer) -> dict[str, bytes]:
    """Return the files in the directories of the browser, and those that its processes hold although they are gone."""
    files = [path for path in browser.root.rglob("*") if path.is_file() and not path.is_symlink()]
    for pid in processes.descendants(os.getpid()):
        with contextlib.suppress(OSError):
            for each in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(each.readlink()).startswith(str(browser.root)) and "(deleted)" in each.readlink().name:
                        files.append(each)
    found = {}
    for path in files:
        with contextlib.suppress(OSError):
            found[str(path)] = path.read_bytes()
    return found


def test_a_page_cannot_plant_what_the_next_will_be(browser: ForkServer) -> None:
    plant = "".join(f"<iframe src='http://r{n:03d}.invalid/'></iframe>" for n in range(100))
    image_of(browser, page("for (let n = 0; n < 100; n++) fetch(`http://r0${n}.invalid/`).catch(() => {})", plant))
    assert colour(browser, page(OK)) == GREEN
