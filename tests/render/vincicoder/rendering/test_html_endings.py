"""Pages in a real browser: how those that pester and the heavy ones end, and that no process outlives its use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rendered import GREEN, OK, colour, image_of, page, start

from vincicoder.errors import RendererUnavailable
from vincicoder.rendering import Limits
from vincicoder.rendering.sandbox import processes
from vincicoder.rendering.sandbox.client import ForkServer
from vincicoder.rendering.sandbox.result import JobResult
from vincicoder.status import Status

pytestmark = pytest.mark.long

STRICT = Limits(cpu_seconds=2, wall_seconds=20, memory_mb=1536)


@pytest.fixture(scope="module")
def strict() -> Iterator[ForkServer]:
    """Ends pages soon; an idle browser takes some 400 MiB."""
    server = start(STRICT)
    yield server
    server.close()


def fits_in(limits: Limits, answer: JobResult) -> bool:
    """The server looks every 50 ms, and on a busy machine later."""
    return answer.cpu_seconds < limits.cpu_seconds * 2 + 2 and answer.seconds < limits.wall_seconds * 1.5


# What ends well


@pytest.mark.parametrize(
    "script",
    [
        "alert(1); confirm(2); prompt(3); print()",
        "for (let i = 0; i < 1000; i++) alert(i)",
        "delete window.alert; delete Window.prototype.alert; window.alert?.(1)",
        "const frame = document.createElement('iframe'); document.body.append(frame); frame.contentWindow.alert(1)",
        "onbeforeunload = event => { event.preventDefault(); return 'stay' }",
        "onpagehide = onunload = () => alert(1)",
        "open('about:blank'); open('http://example.com'); open(location.href)",
        "const a = document.createElement('a'); a.href = '/x'; a.target = '_blank'; a.click()",
        "const a = document.createElement('a'); a.href = 'data:,x'; a.download = 'x.txt'; a.click()",
        "const f = document.createElement('form'); f.action = '/x'; f.method = 'post'; document.body.append(f); f.submit()",
        "location.reload()",
        "setInterval(() => location.reload(), 1)",
        "location = 'http://example.com/'",
        "location.href = '/other'",
        "location = 'data:text/html,gone'",
        "document.write('<meta http-equiv=refresh content=0>'); document.body.style.background = 'green'",
        "window.close()",
        "navigator.serviceWorker?.register('/sw.js').catch(() => {})",
        "history.back(); history.go(-5)",
        "setTimeout(() => history.back(), 1)",
        "debugger",
        "navigator.geolocation.getCurrentPosition(() => {}); Notification?.requestPermission?.()",
        "document.body.requestPointerLock?.(); navigator.mediaDevices?.getUserMedia({video: true}).catch(() => {})",
        "onerror = () => { throw 1 }; throw 1",
        "onload = () => setTimeout(function again() { setTimeout(again) })",
        "new SharedWorker('data:text/javascript,1')",
    ],
)
def test_pages_that_pester_are_rendered(browser: ForkServer, script: str) -> None:
    assert colour(browser, page(f"{OK}; {script}")) == GREEN
    assert colour(browser, page(OK)) == GREEN


REPLACING = """<script>top.location = 'about:blank'</script>"""


@pytest.mark.parametrize("source", [f'src="data:text/html,{REPLACING}"', f'srcdoc="{REPLACING}"'])
def test_a_page_whose_frame_replaces_it_ends_at_once(browser: ForkServer, source: str) -> None:
    frame = f'<iframe sandbox="allow-scripts allow-top-navigation" {source}></iframe>'
    answer = browser.run(page(OK, frame))
    assert answer.status in (Status.OK, Status.RUNTIME_ERROR), answer.message
    assert answer.seconds < Limits().wall_seconds / 2
    assert colour(browser, page(OK)) == GREEN


HEAVY = {
    "endless script": (page("while (true);"), {Status.TIMEOUT}),
    "endless dialogs": (page("const f = document.createElement('iframe'); document.body.append(f);"
                             "while (true) f.contentWindow.eval('1')"), {Status.TIMEOUT}),
    "endless after load": (page("onload = () => { setTimeout(() => { while (true); }) }"), {Status.TIMEOUT}),
    "endless on leaving": (page("onpagehide = () => { while (true); }"), {Status.TIMEOUT, Status.OK}),
    "endless microtasks": (page("const f = () => Promise.resolve().then(f); f()"), {Status.TIMEOUT}),
    "endless style": ("<style>" + "*:has(*) " * 3000 + "{color:red}</style>" + "<i>" * 400, {Status.TIMEOUT, Status.OK}),
    "tall page": (page("", "<div style='height:1000000px'></div>"), {Status.TOO_LARGE}),
    "wide page": (page("", "<div style='width:1000000px;height:1px'></div>"), {Status.TOO_LARGE}),
    "tall after load": (page("setTimeout(() => { document.body.style.height = '1e6px' }, 50)"), {Status.TOO_LARGE, Status.OK}),
    "huge canvas": (page("const c = document.createElement('canvas'); c.width = c.height = 32000;"
                         "c.getContext('2d').fillRect(0, 0, 32000, 32000); document.body.append(c)"),
                    {Status.TOO_LARGE, Status.OUT_OF_MEMORY}),
    "heap": (page("const a = []; while (true) a.push(new Array(1e5).fill(1.5))"), {Status.OUT_OF_MEMORY, Status.TIMEOUT}),
    "buffers": (page("const a = []; while (true) { const b = new Uint8Array(1 << 26).fill(1); a.push(b) }"),
                {Status.OUT_OF_MEMORY, Status.TIMEOUT}),
    "many workers": (page("for (let i = 0; i < 3000; i++) new Worker(URL.createObjectURL(new Blob(['while (1);'])))"),
                     {Status.TIMEOUT, Status.FORBIDDEN, Status.OUT_OF_MEMORY}),
    "frame bomb": (page("const f = document.createElement('iframe'); f.srcdoc = document.documentElement.outerHTML;"
                        "for (let i = 0; i < 20; i++) document.body.append(f.cloneNode())"),
                   {Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.OK, Status.TOO_LARGE}),
    "disk": (page("(async () => { const c = await indexedDB.open('x'); })(); try { for (let i = 0; ; i++)"
                  "localStorage['k' + i] = 'x'.repeat(1e6) } catch {}"), {Status.OK, Status.TOO_LARGE}),
}  # fmt: skip


ALIKE = {"endless after load", "endless on leaving", "wide page", "tall after load"}
"""They end as others do; each costs a browser."""


@pytest.mark.parametrize("what", [pytest.param(each, marks=[pytest.mark.slow] * (each in ALIKE)) for each in HEAVY])
def test_heavy_pages_end_within_their_limits_and_the_next_is_rendered(strict: ForkServer, what: str) -> None:
    code, expected = HEAVY[what]
    answer = strict.run(code)
    assert answer.status in expected, answer.message
    assert fits_in(STRICT, answer)
    assert colour(strict, page(OK)) == GREEN


def test_an_image_size_beyond_the_limit_is_refused_before_it_is_made(browser: ForkServer) -> None:
    answer = browser.run("x", {"width": 5000, "height": 5000, "scale": 1})
    assert answer.status is Status.TOO_LARGE


def test_rendering_goes_on_in_parallel(browser: ForkServer) -> None:
    answers: list[JobResult] = []
    threads = [threading.Thread(target=lambda: answers.append(browser.run(page(OK)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [Status.OK] * 3


# What stays behind


def gone(pids: list[int], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(Path(f"/proc/{pid}/exe").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_no_process_is_left_after_close() -> None:
    server = start()
    image_of(server, "x")
    pids = [server.pid, *processes.descendants(server.pid)]
    assert len(pids) > 4
    server.close()
    assert gone(pids)
    assert not server.root.exists()


OWNER = """
import sys, time
from vincicoder.rendering.config import Limits, SandboxConfig
from vincicoder.rendering.sandbox.client import ForkServer
server = ForkServer("vincicoder.rendering.html:HtmlRenderer", {}, Limits(), SandboxConfig(), jobs_per_child=100)
print(server.run("x").status, server.pid, flush=True)
time.sleep(600)
"""


def test_no_process_is_left_when_the_owner_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(OWNER)], stdout=subprocess.PIPE, env=environment)
    assert owner.stdout is not None
    status, pid = owner.stdout.readline().split()
    assert status == b"ok"
    pids = [int(pid), *processes.descendants(int(pid))]
    assert len(pids) > 4
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert gone(pids)


def test_a_browser_that_dies_is_replaced(browser: ForkServer) -> None:
    image_of(browser, "x")
    for pid in processes.descendants(browser.pid):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"chrom" in command.split(b"\0")[0] and b"--type=" not in command:
            os.kill(pid, signal.SIGKILL)
    statuses = [browser.run(page(OK)).status for _ in range(5)]
    assert set(statuses) <= {Status.OK, Status.INFRASTRUCTURE}
    assert statuses[-1] is Status.OK


def test_a_missing_browser_is_named() -> None:
    with pytest.raises(RendererUnavailable, match=r"FileNotFoundError.*'/nowhere/chromium'"):
        start(browser="/nowhere/chromium")


def test_launching_is_not_charged_to_the_first_page() -> None:
    server = start(replace(Limits(), cpu_seconds=5))
    try:
        begin = time.monotonic()
        answer = server.run("x")
        assert answer.status is Status.OK, answer.message
        assert answer.seconds < time.monotonic() - begin
        assert answer.cpu_seconds < 3
    finally:
        server.close()
