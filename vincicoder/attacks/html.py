"""Pages: files, the network, what is left for the next page, and pages that never end.

A page that has succeeded paints itself in the colour of the secret.
"""

from __future__ import annotations

from vincicoder.attacks.attack import Attack, Layer, listed
from vincicoder.status import Status

_PAGE = (
    "<!DOCTYPE html><body style='margin:0'>%s<script>"
    "const escaped = () => { document.documentElement.style.background = '#f0f' };\n%s</script>"
)


def _page(script: str, body: str = "") -> str:
    return _PAGE % (body, script)


_BY_SCRIPT = {
    "file-fetch": "fetch('file://{HTML}').then(r => r.text()).then(escaped, () => {})",
    "file-xhr": "const x = new XMLHttpRequest(); x.onload = () => x.responseText && escaped(); x.open('GET', 'file://{HTML}'); x.send()",
    "file-navigation": "location = 'file://{HTML}'",
    "file-source": "location = 'view-source:file://{HTML}'",
    "file-window": "const w = open('file://{HTML}'); setTimeout(() => { try { if (w.document.body.innerText) escaped() } catch {} }, 200)",
    "file-worker": "try { new Worker('file://{HTML}').onmessage = escaped } catch {}",
    "file-import": "import('file://{HTML}').then(escaped, () => {})",
    "file-canvas": "const i = new Image(); i.onload = escaped; i.src = 'file://{PNG}'",
}  # fmt: skip
_BY_MARKUP = {
    "file-frame": "<iframe src='file://{HTML}' width=1200 height=600></iframe>",
    "file-object": "<object data='file://{HTML}' width=1200 height=600></object>",
    "file-embed": "<embed src='file://{HTML}' width=1200 height=600>",
    "file-image": "<img src='file://{PNG}' width=400>",
    "file-image-bare": "<img src='{PNG}' width=400><img src='/proc/self/cwd{PNG}' width=400>",
    "file-style": "<body style='background:url(file://{PNG})'>",
    "file-font-style": "<style>@import 'file://{HTML}'; @font-face {{ font-family: a; src: url(file://{PNG}) }}</style>x",
    "file-refresh": "<meta http-equiv=refresh content='0;url=file://{HTML}'>",
    "file-svg-use": "<svg width=400 height=400><use href='file://{SVG}#a'/><image href='file://{PNG}' width=400 height=400/></svg>",
    "file-portal": "<base href='file://{DIRECTORY}/'><img src='secret.png' width=400><iframe src='secret.html'></iframe>",
    "file-srcdoc": "<iframe srcdoc=\"<img src='file://{PNG}' width=400>\" width=600 height=400></iframe>",
}

_URL = "http://127.0.0.1:{TCP}/x"
_NETWORK = {
    "fetch": f"fetch('{_URL}', {{mode: 'no-cors'}}).then(escaped, () => {{}})",
    "xhr": f"const x = new XMLHttpRequest(); x.onload = escaped; x.open('GET', '{_URL}'); x.send()",
    "image": f"const i = new Image(); i.onload = escaped; i.src = '{_URL}'",
    "script": f"const s = document.createElement('script'); s.onload = escaped; s.src = '{_URL}'; document.body.append(s)",
    "style": f"const s = document.createElement('link'); s.rel = 'stylesheet'; s.onload = escaped; s.href = '{_URL}'; document.body.append(s)",
    "font": f"new FontFace('a', 'url({_URL})').load().then(escaped, () => {{}})",
    "media": f"const v = document.createElement('video'); v.src = '{_URL}'; document.body.append(v); v.play().then(escaped, () => {{}})",
    "frame": f"const f = document.createElement('iframe'); f.src = '{_URL}'; document.body.append(f)",
    "form": f"const f = document.createElement('form'); f.action = '{_URL}'; f.method = 'post'; document.body.append(f); f.submit()",
    "navigation": f"location = '{_URL}'",
    "beacon": f"navigator.sendBeacon('{_URL}', 'x')",
    "prefetch": f"for (const rel of ['prefetch', 'preload', 'preconnect', 'dns-prefetch', 'prerender', 'modulepreload', 'icon', 'manifest'])"
    f" {{ const l = document.createElement('link'); l.rel = rel; l.href = '{_URL}'; document.head.append(l) }}",
    "speculation": "const s = document.createElement('script'); s.type = 'speculationrules';"
    f"s.textContent = JSON.stringify({{prefetch: [{{source: 'list', urls: ['{_URL}']}}], prerender: [{{source: 'list', urls: ['{_URL}']}}]}}); document.head.append(s)",
    "worker": f"const w = new Worker(URL.createObjectURL(new Blob([`fetch('{_URL}', {{mode: 'no-cors'}}).then(() => postMessage(1))`]))); w.onmessage = escaped",
    "events": f"new EventSource('{_URL}').onopen = escaped",
    "websocket": "new WebSocket('ws://127.0.0.1:{TCP}/').onopen = escaped",
    "webtransport": "try { new WebTransport('https://127.0.0.1:{UDP}/').ready.then(escaped, () => {}) } catch {}",
    "webrtc": "try { const p = new RTCPeerConnection({iceServers: [{urls: ['stun:127.0.0.1:{UDP}', 'turn:127.0.0.1:{TCP}?transport=tcp'],"
    " username: 'a', credential: 'b'}]}); p.createDataChannel('x'); p.createOffer().then(o => p.setLocalDescription(o)) } catch {}",
    "localhost": "for (const host of ['localhost', '[::1]', '0.0.0.0', '0x7f.1', '2130706433']) fetch(`http://${host}:{TCP}/`, {mode: 'no-cors'}).then(escaped, () => {})",
    "report": f"try {{ new ReportingObserver(() => {{}}).observe(); navigator.sendBeacon('{_URL}') }} catch {{}}",
    "keepalive": f"addEventListener('pagehide', () => fetch('{_URL}', {{keepalive: true, mode: 'no-cors'}}))",
    "ping": f"const a = document.createElement('a'); a.href = '#'; a.ping = '{_URL}'; document.body.append(a); a.click()",
}  # fmt: skip

_LEFT = {
    "cookie": "document.cookie = 'left=1'; document.cookie = 'left=1; domain=invalid'; document.cookie = 'left=1; domain=.invalid'",
    "local-storage": "localStorage.left = 1",
    "session-storage": "sessionStorage.left = 1",
    "window-name": "window.name = 'left'",
    "global": "window.left = 1; Object.prototype.left = 1",
    "timer": "setInterval(() => { new BroadcastChannel('left').postMessage(1) }, 1)",
    "database": "indexedDB.open('left')",
    "cache": "caches.open('left')",
    "shared-worker": "new SharedWorker(URL.createObjectURL(new Blob(['setInterval(()=>new BroadcastChannel(`left`).postMessage(1),1)'])))",
    "service-worker": "navigator.serviceWorker?.register(URL.createObjectURL(new Blob(['1']))).catch(() => {})",
    "history": "for (let i = 0; i < 9; i++) history.pushState('left', '', '/left' + i)",
    "title": "document.title = 'left'",
    "scroll": "document.body.style.height = '5000px'; scrollTo(0, 4000)",
    "file-system": "navigator.storage?.getDirectory?.().then(d => d.getFileHandle('left', {create: true})).catch(() => {})",
    "lock": "navigator.locks?.request('left', () => new Promise(() => {}))",
}  # fmt: skip
_FIND = _page("""(async () => {
    let heard = false; new BroadcastChannel("left").onmessage = () => { heard = true };
    const names = []; try { for await (const n of (await navigator.storage.getDirectory()).keys()) names.push(n) } catch {}
    const locks = navigator.locks ? (await navigator.locks.query()).held : [];
    const found = [document.cookie, localStorage.left, sessionStorage.left, window.name, window.left, heard, scrollY,
        (await indexedDB.databases?.() ?? []).length, (globalThis.caches ? await caches.keys() : []).length,
        history.length > 2, history.state, document.title, names.length, locks.length,
        (await navigator.serviceWorker?.getRegistrations?.() ?? []).length].filter(x => x);
    if (found.length) escaped();
})().catch(() => {})""")

_ENDLESS = {
    "endless-script": ("run a script without end", _page("while (true);")),
    "endless-after-load": ("run one after it has loaded", _page("onload = () => setTimeout(() => { while (true); })")),
    "endless-microtasks": ("never give the browser a turn", _page("const f = () => Promise.resolve().then(f); f()")),
    "endless-workers": (
        "run three thousand workers",
        _page("for (let i = 0; i < 3000; i++) new Worker(URL.createObjectURL(new Blob(['while (1);'])))"),
    ),
    "endless-heap": ("fill its heap", _page("const a = []; while (true) a.push(new Array(1e5).fill(1.5))")),
    "endless-buffers": (
        "take memory outside it",
        _page("const a = []; while (true) a.push(new Uint8Array(1 << 26).fill(1))"),
    ),
    "tall": ("be a million pixels high", _page("", "<div style='height:1000000px'></div>")),
    "wide": ("be a million pixels wide", _page("", "<div style='width:1000000px;height:1px'></div>")),
    "huge-canvas": (
        "paint a billion pixels",
        _page(
            "const c = document.createElement('canvas'); c.width = c.height = 32000;"
            "c.getContext('2d').fillRect(0, 0, 32000, 32000); document.body.append(c)"
        ),
    ),
}
_OVER = (Status.TIMEOUT, Status.FORBIDDEN, Status.OUT_OF_MEMORY, Status.TOO_LARGE)

# The image must be there, whatever the page does: these are functional checks of a page that pesters.
_PESTERING = {
    "dialogs": "alert(1); confirm(2); prompt(3); print(); for (let i = 0; i < 1000; i++) alert(i)",
    "dialogs-of-frames": "const f = document.createElement('iframe'); document.body.append(f); f.contentWindow.alert(1)",
    "question-on-leaving": "onbeforeunload = event => { event.preventDefault(); return 'stay' }",
    "windows": "open('about:blank'); open('http://example.com'); open(location.href); window.close()",
    "downloads": "const a = document.createElement('a'); a.href = 'data:,x'; a.download = 'x.txt'; a.click()",
    "reloads": "setInterval(() => location.reload(), 1)",
    "history-of-moves": "history.back(); history.go(-5); setTimeout(() => history.back(), 1)",
    "debugger": "debugger",
    "permissions": "navigator.geolocation.getCurrentPosition(() => {}); Notification?.requestPermission?.();"
    "document.body.requestPointerLock?.(); navigator.mediaDevices?.getUserMedia({video: true}).catch(() => {})",
    "inner-pages": "location = 'chrome://version'",
}

ATTACKS: tuple[Attack, ...] = (
    *listed(
        "html",
        (Layer.RENDERER, Layer.LANDLOCK),
        {name: ("show a file of the owner by a script", _page(script)) for name, script in _BY_SCRIPT.items()},
    ),
    *listed(
        "html",
        (Layer.RENDERER, Layer.LANDLOCK),
        {name: ("show a file of the owner by markup", markup.replace("{{", "{").replace("}}", "}"))
         for name, markup in _BY_MARKUP.items()},
    ),
    *listed(
        "html",
        (Layer.RENDERER, Layer.SECCOMP, Layer.NETWORK),
        {f"network-{name}": ("reach a server of this machine", _page(script)) for name, script in _NETWORK.items()},
    ),
    *(
        Attack(
            f"left-{name}",
            "html",
            f"find what an earlier page has left behind: {name.replace('-', ' ')}",
            _FIND,
            (Layer.RENDERER,),
            before=_page(f"try {{ {script} }} catch {{}}"),
        )
        for name, script in _LEFT.items()
    ),
    *listed("html", (Layer.WATCH, Layer.RENDERER, Layer.LIMITS), _ENDLESS, endings=_OVER),
    *listed(
        "html",
        (),
        {f"pesters-{name}": ("is rendered although it pesters", _page(script, "<h1>A page</h1>"))
         for name, script in _PESTERING.items()},
    ),
)  # fmt: skip
