"""Pages in a real browser: what they cannot reach, and what they cannot leave behind for the next."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from rendered import GREEN, OK, colour, image_of, page

from vincicoder.rendering.sandbox.client import ForkServer


def dark(image: Image.Image) -> int:
    return sum(image.convert("L").histogram()[:128])


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
    assert image_of(browser, page(script)).size == (1280, 720)
    assert heard == []


def test_web_sockets_and_peer_connections_are_dead(browser: ForkServer, listener: tuple[int, list[bytes]]) -> None:
    port, heard = listener
    script = f"""{VERDICT} const w = new WebSocket("ws://127.0.0.1:{port}/"); w.onopen = got; w.onerror = lost;
        try {{ const p = new RTCPeerConnection({{iceServers: [{{urls: "turn:127.0.0.1:{port}?transport=tcp",
        username: "a", credential: "b"}}]}}); p.createDataChannel("x");
        p.createOffer().then(o => p.setLocalDescription(o)) }} catch {{}}"""
    assert image_of(browser, page(script)).size == (1280, 720)
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
    assert dark(image_of(browser, code.format(url=url))) < 1500  # a broken-image sign at most; /etc/passwd is far more


def test_chrome_pages_are_out_of_reach(browser: ForkServer) -> None:
    for url in ("chrome://version", "chrome://settings", "devtools://devtools/bundled/inspector.html"):
        assert colour(browser, page(f"{OK}; location = '{url}'")) == GREEN


# What pages cannot leave behind

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
    image_of(browser, page(f"try {{ {LEAVE[what]} }} catch {{}}"))
    assert colour(browser, page(FIND)) == GREEN


def test_a_page_cannot_plant_what_the_next_will_be(browser: ForkServer) -> None:
    plant = "".join(f"<iframe src='http://r{n:03d}.invalid/'></iframe>" for n in range(100))
    image_of(browser, page("for (let n = 0; n < 100; n++) fetch(`http://r0${n}.invalid/`).catch(() => {})", plant))
    assert colour(browser, page(OK)) == GREEN


# What native code could reach that got hold of the browser

NATIVE = """
import socket, sys
from vincicoder.rendering.html import HtmlRenderer
from vincicoder.rendering.sandbox import confine

confine.confine(HtmlRenderer().policy(), sys.argv[1])
stream, datagram, abstract = sys.argv[2], sys.argv[3], "\\0" + sys.argv[4]
unix = lambda kind=socket.SOCK_STREAM: socket.socket(socket.AF_UNIX, kind)
pair = lambda kind: socket.socketpair(socket.AF_UNIX, kind)[0]
WAYS = {
    "stream": lambda: unix().connect(stream),
    "packets": lambda: unix(socket.SOCK_SEQPACKET).connect(stream),
    "abstract": lambda: unix().connect(abstract),
    "end of a pair": lambda: pair(socket.SOCK_STREAM).connect(stream),
    "datagram": lambda: unix(socket.SOCK_DGRAM).sendto(b"x", datagram),
    "datagram of a pair": lambda: pair(socket.SOCK_DGRAM).sendto(b"x", datagram),
    "message of a pair": lambda: pair(socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, datagram),
    "message of a stream": lambda: unix().sendmsg([b"x"], [], 0, stream),
    "raw": lambda: unix(socket.SOCK_RAW).sendto(b"x", datagram),
    "internet": lambda: socket.socket(),
    "devices of the machine": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15),
}
for name, way in WAYS.items():
    try:
        way()
        print(name)
    except OSError:
        pass
pair(socket.SOCK_STREAM).close(), unix().close(), pair(socket.SOCK_SEQPACKET).close()  # what the browser needs
"""


def test_native_code_in_the_browser_reaches_no_socket(tmp_path: Path) -> None:
    import socket

    inside, abstract = tmp_path / "inside", f"vincicoder-test-{os.getpid()}"
    inside.mkdir()
    with contextlib.ExitStack() as stack:
        for kind, address in (
            (socket.SOCK_STREAM, str(tmp_path / "stream")),
            (socket.SOCK_STREAM, "\0" + abstract),
            (socket.SOCK_DGRAM, str(tmp_path / "datagram")),
        ):
            sock = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            sock.bind(address)
            if kind == socket.SOCK_STREAM:
                sock.listen()
        arguments = [str(inside), str(tmp_path / "stream"), str(tmp_path / "datagram"), abstract]
        environment = os.environ | {"PLAYWRIGHT_BROWSERS_PATH": str(inside)}
        command = [sys.executable, "-c", NATIVE, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
