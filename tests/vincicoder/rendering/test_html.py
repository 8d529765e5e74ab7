"""Pages in a real browser: what they look like, what they cannot reach, and how each attack ends."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image

from vincicoder.errors import RendererUnavailable
from vincicoder.rendering import Limits
from vincicoder.rendering.html import HtmlRenderer
from vincicoder.rendering.sandbox import processes
from vincicoder.rendering.sandbox.client import Answer, ForkServer
from vincicoder.status import Status

RED, GREEN = (255, 0, 0), (0, 128, 0)
STRICT = Limits(cpu_seconds=4, wall_seconds=20, memory_mb=1536)
# Turns the page green when a promise or a callback says so, red is what it starts with.
PAGE = "<!DOCTYPE html><html><body style='margin:0;background:red'>{body}<script>{script}</script></body></html>"
OK = "document.body.style.background = 'green'"


def page(script: str, body: str = "") -> str:
    return PAGE.format(script=script, body=body)


def start(limits: Limits | None = None, **options: object) -> ForkServer:
    # Patient: other work on the same machine must not turn a slow start into a time-out.
    limits = limits or Limits(wall_seconds=60)
    jobs = HtmlRenderer.jobs_per_child
    return ForkServer("vincicoder.rendering.html", "HtmlRenderer", options, asdict(limits), jobs_per_child=jobs)


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assets")


@pytest.fixture(scope="module")
def browser(assets: Path) -> Iterator[ForkServer]:
    server = start(assets=str(assets))
    yield server
    server.close()


@pytest.fixture(scope="module")
def strict() -> Iterator[ForkServer]:
    """Ends pages soon; an idle browser takes some 400 MiB."""
    server = start(STRICT)
    yield server
    server.close()


def picture(answer: Answer) -> Image.Image:
    assert answer.status is Status.OK, answer.message
    assert answer.size is not None and answer.pixels is not None
    return Image.frombytes("RGB", answer.size, answer.pixels)


def draw(server: ForkServer, code: str, **options: object) -> Image.Image:
    return picture(server.run(code, options))


def colour(server: ForkServer, code: str) -> tuple[int, ...]:
    return draw(server, code).getpixel((1270, 700))  # type: ignore[return-value]


def fits_in(limits: Limits, answer: Answer) -> bool:
    """The server looks every 50 ms, and on a busy machine later."""
    return answer.cpu_seconds < limits.cpu_seconds * 2 + 2 and answer.seconds < limits.wall_seconds * 1.5


def dark(image: Image.Image) -> int:
    return sum(image.convert("L").histogram()[:128])


# What pages look like


def test_pixels_are_those_that_the_page_asks_for(browser: ForkServer) -> None:
    image = draw(
        browser,
        "<style>body{margin:0}div{position:absolute}</style><div style='left:10px;top:20px;width:100px;height:50px;"
        "background:#123456'></div><div style='left:200px;top:300px;width:40px;height:40px;background:lime'></div>",
    )
    assert image.size == (1280, 720)
    assert [image.getpixel(at) for at in ((10, 20), (109, 69), (9, 20), (110, 69), (220, 320))] == [
        (0x12, 0x34, 0x56),
        (0x12, 0x34, 0x56),
        (255, 255, 255),
        (255, 255, 255),
        (0, 255, 0),
    ]


@pytest.mark.parametrize("code", ["", "plain words", "<p>never <b>closed", "<h1>title</h1>", "<!-- only -->", "\ud800"])
def test_fragments_are_drawn(browser: ForkServer, code: str) -> None:
    assert draw(browser, code).size == (1280, 720)


def test_a_long_page_is_drawn_whole(browser: ForkServer) -> None:
    image = draw(browser, page("", "<div style='height:3000px'></div><div style='height:50px;background:blue'></div>"))
    assert image.size == (1280, 3050)
    assert image.getpixel((640, 3049)) == (0, 0, 255)


def test_a_wide_page_is_drawn_whole(browser: ForkServer) -> None:
    image = draw(browser, page("", "<div style='width:2000px;height:9px;background:blue'></div>"))
    assert image.size == (2000, 720)
    assert image.getpixel((1999, 5)) == (0, 0, 255)


def test_viewport_units_refer_to_the_window(browser: ForkServer) -> None:
    image = draw(browser, page("", "<div style='height:100vh;background:blue'></div><div style='height:900px'></div>"))
    assert image.size == (1280, 1620)
    assert image.getpixel((5, 719)) == (0, 0, 255)
    assert image.getpixel((5, 720)) == RED


def test_text_is_grey_without_colour_fringes(browser: ForkServer) -> None:
    image = draw(browser, "<p style='font:40px sans-serif'>Typography</p>")
    assert all(r == g == b for _, (r, g, b) in image.getcolors(1 << 20))


def test_chinese_japanese_and_korean_text_is_drawn(browser: ForkServer) -> None:
    glyphs = {draw(browser, f"<p style='font:60px sans-serif'>{text}").tobytes() for text in "図语한漢\ue000"}
    assert len(glyphs) == 5  # missing characters would all be the same box


def test_text_is_read_as_utf_8(browser: ForkServer) -> None:
    plain = draw(browser, "<p>naïve – café</p>")
    assert plain.tobytes() == draw(browser, "<p>na&iuml;ve &ndash; caf&eacute;</p>").tobytes()


def test_the_named_picture_is_replaced_by_a_neutral_one(browser: ForkServer) -> None:
    image = draw(browser, "<style>body{margin:0}</style><img src='https://example.com/a/rick.jpg?x=1'>")
    again = draw(browser, "<style>body{margin:0}</style><img src='rick.jpg'>")
    assert image.tobytes() == again.tobytes()
    assert image.getpixel((2, 2)) != (255, 255, 255)
    assert image.getpixel((299, 100)) != (255, 255, 255)
    assert image.getpixel((301, 100)) == (255, 255, 255)


def test_data_and_blob_addresses_work(browser: ForkServer) -> None:
    data = io.BytesIO()
    Image.new("RGB", (10, 10), "green").save(data, "PNG")
    import base64

    source = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    image = draw(browser, f"<style>body{{margin:0}}</style><img src='{source}' width=1280 height=720>")
    assert image.getpixel((600, 600)) == GREEN
    script = f"""fetch("{source}").then(r => r.blob()).then(b => {{
        const image = new Image(); image.src = URL.createObjectURL(b); image.width = 1280; image.height = 720;
        document.body.append(image); }})"""
    assert draw(browser, page(script)).getpixel((600, 600)) == GREEN


def test_errors_in_scripts_do_not_fail_the_page(browser: ForkServer) -> None:
    assert colour(browser, page(f"{OK}; setTimeout(() => {{ throw 1 }}); nothing.here()")) == GREEN


def test_pages_that_break_what_the_renderer_might_use_are_drawn(browser: ForkServer) -> None:
    breakage = "Promise = JSON = Map = Symbol = null; Array.prototype.map = () => { throw 1 }; document.fonts.ready = 1"
    assert colour(browser, page(f"{OK}; {breakage}")) == GREEN


def test_webgl_draws(browser: ForkServer) -> None:
    script = """const gl = document.querySelector("canvas").getContext("webgl");
        gl.clearColor(0, 128 / 255, 0, 1); gl.clear(gl.COLOR_BUFFER_BIT);"""
    assert draw(browser, page(script, "<canvas width=300 height=300></canvas>")).getpixel((150, 150)) == GREEN


def test_assets_are_served_and_the_window_has_the_size_that_was_asked_for(browser: ForkServer, assets: Path) -> None:
    (assets / "paint.js").write_text(OK)
    code = page("", "<script src='paint.js'></script>")
    options = {"width": 300, "height": 200, "assets": {"paint.js": str(assets / "paint.js")}}
    image = draw(browser, code, **options)
    assert image.size == (300, 200)
    assert image.getpixel((299, 199)) == GREEN
    assert draw(browser, code, **options | {"width": 200}, scale=2).size == (400, 400)
    assert draw(browser, code, **options | {"width": 200}).size == (200, 200)
    assert colour(browser, code) == RED, "assets are for the request that names them"


# The same code, the same picture

RESTLESS = """<style>@keyframes spin { to { transform: rotate(360deg) } } .a { animation: spin 3s linear infinite }
.b { animation: spin .5s } input { font-size: 40px }</style><div class=a>spinning</div><div class=b>once</div>
<input autofocus><pre id=out></pre><canvas width=600 height=200></canvas>
<svg width=100 height=20><rect width=9 height=9><animate attributeName=x from=0 to=90 dur=3s repeatCount=indefinite />
</rect></svg><script>
const bytes = crypto.getRandomValues(new Uint8Array(8)), context = document.querySelector("canvas").getContext("2d");
out.textContent = [Math.random(), Date(), new Date().toISOString(), Date.now(), performance.now(), crypto.randomUUID(),
    bytes, document.lastModified, history.length, localStorage.length, document.cookie, window.name].join("\\n");
localStorage.x = 1; document.cookie = "a=b"; window.name = "me"; history.pushState({}, "", "/x");
let ticks = 0;
setInterval(() => { out.append(" " + ++ticks) }, 170);
const frame = time => { context.fillRect(time / 4, Math.random() * 200, 3, 3); requestAnimationFrame(frame) };
requestAnimationFrame(frame);
document.querySelector(".a").animate([{opacity: 0}, {opacity: 1}], {duration: 1234, iterations: Infinity});
</script>"""


def test_restless_pages_look_the_same_again_in_a_used_and_in_a_fresh_browser(browser: ForkServer) -> None:
    first = draw(browser, RESTLESS)
    assert draw(browser, RESTLESS).tobytes() == first.tobytes()
    draw(browser, "<p>something else</p>")
    assert draw(browser, RESTLESS).tobytes() == first.tobytes()
    fresh = start()
    try:
        assert draw(fresh, RESTLESS).tobytes() == first.tobytes()
    finally:
        fresh.close()


@pytest.mark.parametrize("video", ["src=a.mp4 autoplay loop muted", "poster=rick.jpg src=http://site.example/a.mp4"])
def test_players_of_films_that_cannot_be_had_look_the_same_again(browser: ForkServer, video: str) -> None:
    pages = [f"<video controls width=400 height=250 {video}></video><!--{n}-->" for n in range(4)]
    pictures = {draw(browser, code).tobytes() for code in pages}
    assert len(pictures) == 1
    bare = draw(browser, pages[0].replace(" controls", ""))
    assert bare.tobytes() not in pictures, "the controls are there"


def test_what_appears_a_second_later_is_drawn(browser: ForkServer) -> None:
    begin = time.monotonic()
    assert colour(browser, page(f"setTimeout(() => {{ {OK} }}, 1500)")) == GREEN
    nested = "const step = n => n ? requestAnimationFrame(() => step(n - 1)) : done(); step(60)"
    assert colour(browser, page(f"const done = () => {{ {OK} }}; {nested}")) == GREEN
    assert colour(browser, page(f"const id = setTimeout(() => {{ {OK} }}, 10); clearTimeout(id)")) == RED
    assert time.monotonic() - begin < 30


def test_transitions_and_animations_are_drawn_at_their_end(browser: ForkServer) -> None:
    style = "<style>body { transition: background 1s } @keyframes in { from { opacity: 0 } } body { animation: in 2s }</style>"
    assert colour(browser, page(f"setTimeout(() => {{ {OK} }}, 20)", style)) == GREEN


def test_animations_in_shadow_trees_are_drawn_at_their_end(browser: ForkServer) -> None:
    script = """document.body.attachShadow({mode: "open"}).innerHTML = `<style>@keyframes in { from { opacity: 0 } }
        div { animation: in 5s; background: green; height: 720px }</style><div></div>`"""
    assert colour(browser, page(script)) == GREEN


def test_time_moves_inside_frames(browser: ForkServer) -> None:
    inner = "<body style=background:red><script>setTimeout(()=>document.body.style.background=`green`,900)</script>"
    code = f'<body style="margin:0"><iframe srcdoc="{inner}" style="border:0;width:1280px;height:720px"></iframe>'
    assert colour(browser, code) == GREEN


# What pages cannot reach

REACHES = {
    "fetch": "fetch('{url}', {{mode: 'no-cors'}}).then(got, lost)",
    "xhr": "const x = new XMLHttpRequest(); x.onload = got; x.onerror = lost; x.open('GET', '{url}'); x.send()",
    "image": "const i = new Image(); i.onload = got; i.onerror = lost; i.src = '{url}'",
    "script": "const s = document.createElement('script'); s.onload = got; s.onerror = lost; s.src = '{url}';"
    "document.body.append(s)",
    "style": "const s = document.createElement('link'); s.onload = got; s.onerror = lost; s.rel = 'stylesheet';"
    "s.href = '{url}'; document.body.append(s)",
    "beacon": "navigator.sendBeacon('{url}'); lost()",
    "prefetch": "const l = document.createElement('link'); l.rel = 'prefetch'; l.href = '{url}';"
    "document.body.append(l); lost()",
    "preconnect": "const l = document.createElement('link'); l.rel = 'preconnect'; l.href = '{url}';"
    "document.body.append(l); lost()",
    "worker": "const w = new Worker(URL.createObjectURL(new Blob([`fetch('{url}', {{mode: 'no-cors'}})"
    ".then(() => postMessage(1), () => postMessage(0))`]))); w.onmessage = e => e.data ? got() : lost()",
    "events": "const e = new EventSource('{url}'); e.onopen = got; e.onerror = lost",
}
VERDICT = "const got = () => {}, lost = () => { document.body.style.background = 'green' };"


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A server of this machine that notes who knocks."""
    import socket

    heard: list[bytes] = []
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()

        def accept() -> None:
            while True:
                try:
                    peer = sock.accept()[0]
                except OSError:
                    return
                heard.append(b"connection")
                peer.close()

        threading.Thread(target=accept, daemon=True).start()
        yield sock.getsockname()[1], heard


@pytest.mark.parametrize("way", REACHES)
def test_the_network_is_dead(browser: ForkServer, listener: tuple[int, list[bytes]], way: str) -> None:
    port, heard = listener
    script = VERDICT + REACHES[way].format(url=f"http://127.0.0.1:{port}/x")
    # What fails outside the page's own clock may be noticed late: it may be red, but never connected.
    assert draw(browser, page(script)).size == (1280, 720)
    assert heard == []


def test_web_sockets_and_peer_connections_are_dead(browser: ForkServer, listener: tuple[int, list[bytes]]) -> None:
    port, heard = listener
    script = f"""{VERDICT} const w = new WebSocket("ws://127.0.0.1:{port}/"); w.onopen = got; w.onerror = lost;
        try {{ const p = new RTCPeerConnection({{iceServers: [{{urls: "turn:127.0.0.1:{port}?transport=tcp",
        username: "a", credential: "b"}}]}}); p.createDataChannel("x");
        p.createOffer().then(o => p.setLocalDescription(o)) }} catch {{}}"""
    assert draw(browser, page(script)).size == (1280, 720)
    assert heard == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "file:///proc/self/environ", "view-source:file:///etc/passwd"])
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
    assert dark(draw(browser, code.format(url=url))) < 1500  # a broken-picture sign at most; /etc/passwd is far more


def test_chrome_pages_are_out_of_reach(browser: ForkServer) -> None:
    for url in ("chrome://version", "chrome://settings", "devtools://devtools/bundled/inspector.html"):
        assert colour(browser, page(f"{OK}; location = '{url}'")) == GREEN


LEAVE = {
    "cookie": "document.cookie = 'left=1'; document.cookie = 'left=1; domain=invalid'; document.cookie = 'left=1; domain=.invalid'",
    "localStorage": "localStorage.left = 1",
    "sessionStorage": "sessionStorage.left = 1",
    "name": "window.name = 'left'",
    "global": "window.left = 1; Object.prototype.left = 1",
    "interval": "setInterval(() => { new BroadcastChannel('left').postMessage(1) }, 1)",
    "indexedDB": "indexedDB.open('left')",
    "caches": "caches.open('left')",
    "worker": "new SharedWorker(URL.createObjectURL(new Blob(['setInterval(()=>new BroadcastChannel(`left`).postMessage(1),1)'])))",
    "history": "for (let i = 0; i < 9; i++) history.pushState('left', '', '/left' + i)",
    "title": "document.title = 'left'; document.documentElement.requestFullscreen().catch(() => {})",
    "scroll": "document.body.style.height = '5000px'; scrollTo(0, 4000)",
}
FIND = """(async () => {
    let heard = false; new BroadcastChannel("left").onmessage = () => { heard = true };
    const found = [document.cookie, localStorage.left, sessionStorage.left, window.name, window.left, heard, scrollY,
        (await indexedDB.databases?.() ?? []).length, (globalThis.caches ? await caches.keys() : []).length,
        history.length > 2, history.state, document.title, document.fullscreenElement].filter(x => x);
    document.body.style.background = found.length ? "red" : "green"; document.body.append(found.join("|"));
})().catch(error => document.body.append(error))"""


@pytest.mark.parametrize("what", LEAVE)
def test_nothing_is_left_for_the_next_page(browser: ForkServer, what: str) -> None:
    draw(browser, page(f"try {{ {LEAVE[what]} }} catch {{}}"))
    assert colour(browser, page(FIND)) == GREEN


def test_a_page_cannot_plant_what_the_next_will_be(browser: ForkServer) -> None:
    plant = "".join(f"<iframe src='http://r{n:03d}.invalid/'></iframe>" for n in range(100))
    draw(browser, page("for (let n = 0; n < 100; n++) fetch(`http://r0${n}.invalid/`).catch(() => {})", plant))
    assert colour(browser, page(OK)) == GREEN


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
    ],
)
def test_pages_that_pester_are_drawn(browser: ForkServer, script: str) -> None:
    assert colour(browser, page(f"{OK}; {script}")) == GREEN
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
                {Status.OUT_OF_MEMORY}),
    "many workers": (page("for (let i = 0; i < 3000; i++) new Worker(URL.createObjectURL(new Blob(['while (1);'])))"),
                     {Status.TIMEOUT, Status.FORBIDDEN, Status.OUT_OF_MEMORY}),
    "frame bomb": (page("const f = document.createElement('iframe'); f.srcdoc = document.documentElement.outerHTML;"
                        "for (let i = 0; i < 20; i++) document.body.append(f.cloneNode())"),
                   {Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.OK, Status.TOO_LARGE}),
    "disk": (page("(async () => { const c = await indexedDB.open('x'); })(); try { for (let i = 0; ; i++)"
                  "localStorage['k' + i] = 'x'.repeat(1e6) } catch {}"), {Status.OK, Status.TOO_LARGE}),
}  # fmt: skip


@pytest.mark.parametrize("what", HEAVY)
def test_heavy_pages_end_within_their_limits_and_the_next_is_drawn(strict: ForkServer, what: str) -> None:
    code, expected = HEAVY[what]
    answer = strict.run(code)
    assert answer.status in expected, answer.message
    assert fits_in(STRICT, answer)
    assert colour(strict, page(OK)) == GREEN


def test_a_picture_size_beyond_the_limit_is_refused_before_it_is_made(browser: ForkServer) -> None:
    answer = browser.run("x", {"width": 5000, "height": 5000, "scale": 1})
    assert answer.status is Status.TOO_LARGE


def test_rendering_goes_on_in_parallel(browser: ForkServer) -> None:
    answers: list[Answer] = []
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
    draw(server, "x")
    pids = [server.pid, *processes.descendants(server.pid)]
    assert len(pids) > 4
    server.close()
    assert gone(pids)
    assert not server.root.exists()


HOST = """
import sys, time
from dataclasses import asdict
from vincicoder.rendering import Limits
from vincicoder.rendering.sandbox.client import ForkServer
server = ForkServer("vincicoder.rendering.html", "HtmlRenderer", {}, asdict(Limits()), jobs_per_child=100)
print(server.run("x").status, server.pid, flush=True)
time.sleep(600)
"""


def test_no_process_is_left_when_the_host_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    host = subprocess.Popen([sys.executable, "-c", textwrap.dedent(HOST)], stdout=subprocess.PIPE, env=environment)
    assert host.stdout is not None
    status, pid = host.stdout.readline().split()
    assert status == b"ok"
    pids = [int(pid), *processes.descendants(int(pid))]
    assert len(pids) > 4
    host.send_signal(signal.SIGKILL)
    host.wait()
    assert gone(pids)


def test_a_browser_that_dies_is_replaced(browser: ForkServer) -> None:
    draw(browser, "x")
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
