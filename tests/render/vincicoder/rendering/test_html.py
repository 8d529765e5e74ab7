"""Pages in a real browser: what they look like, and that the same code gives the same image."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from PIL import Image
from rendered import GREEN, OK, colour, image_of, page, start

from vincicoder.rendering import Limits
from vincicoder.rendering.sandbox.client import ForkServer

RED = (255, 0, 0)

# What pages look like


def test_pixels_are_those_that_the_page_asks_for(browser: ForkServer) -> None:
    image = image_of(
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
def test_fragments_are_rendered(browser: ForkServer, code: str) -> None:
    assert image_of(browser, code).size == (1280, 720)


def test_a_long_page_is_rendered_whole(browser: ForkServer) -> None:
    image = image_of(
        browser, page("", "<div style='height:3000px'></div><div style='height:50px;background:blue'></div>")
    )
    assert image.size == (1280, 3050)
    assert image.getpixel((640, 3049)) == (0, 0, 255)


def test_a_page_over_the_limit_of_pixels_is_shrunk_to_it(browser: ForkServer) -> None:
    image = image_of(browser, page("", "<div style='height: 20000px; background: blue'></div>"))
    assert 0.99 * Limits().pixels < image.width * image.height <= Limits().pixels
    assert abs(image.height / image.width - 20000 / 1280) < 0.1
    assert image.getpixel((image.width // 2, image.height - 20)) == (0, 0, 255)


def test_a_wide_page_is_rendered_whole(browser: ForkServer) -> None:
    image = image_of(browser, page("", "<div style='width:2000px;height:9px;background:blue'></div>"))
    assert image.size == (2000, 720)
    assert image.getpixel((1999, 5)) == (0, 0, 255)


def test_viewport_units_refer_to_the_window(browser: ForkServer) -> None:
    image = image_of(
        browser, page("", "<div style='height:100vh;background:blue'></div><div style='height:900px'></div>")
    )
    assert image.size == (1280, 1620)
    assert image.getpixel((5, 719)) == (0, 0, 255)
    assert image.getpixel((5, 720)) == RED


def test_text_is_grey_without_colour_fringes(browser: ForkServer) -> None:
    image = image_of(browser, "<p style='font:40px sans-serif'>Typography</p>")
    assert all(r == g == b for _, (r, g, b) in image.getcolors(1 << 20))


def test_chinese_japanese_and_korean_text_is_rendered(browser: ForkServer) -> None:
    glyphs = {image_of(browser, f"<p style='font:60px sans-serif'>{text}").tobytes() for text in "図语한漢\ue000"}
    assert len(glyphs) == 5  # missing characters would all be the same box


def test_text_is_read_as_utf_8(browser: ForkServer) -> None:
    plain = image_of(browser, "<p>naïve – café</p>")
    assert plain.tobytes() == image_of(browser, "<p>na&iuml;ve &ndash; caf&eacute;</p>").tobytes()


def test_the_named_image_is_replaced_by_a_neutral_one(browser: ForkServer) -> None:
    image = image_of(browser, "<style>body{margin:0}</style><img src='https://example.com/a/rick.jpg?x=1'>")
    again = image_of(browser, "<style>body{margin:0}</style><img src='rick.jpg'>")
    assert image.tobytes() == again.tobytes()
    assert image.getpixel((2, 2)) != (255, 255, 255)
    assert image.getpixel((299, 100)) != (255, 255, 255)
    assert image.getpixel((301, 100)) == (255, 255, 255)


ASKING = {
    "image for a canvas": "const i = new Image(); i.crossOrigin = 'anonymous'; i.onload = shown;"
    "i.src = 'http://elsewhere.invalid/rick.jpg'",
    "fetch from elsewhere": "fetch('http://elsewhere.invalid/rick.jpg').then(r => r.blob()).then(createImageBitmap).then(shown)",
    "worker": "const code = 'fetch(`http://x.invalid/rick.jpg`).then(r => r.blob()).then(b => postMessage(b.size))';"
    "new Worker(URL.createObjectURL(new Blob([code]))).onmessage = shown;"
    "setInterval(() => { for (let i = 0; i < 1e6; i++); }, 4)",  # so that it has the time that it needs
    "frame": "const f = document.createElement('iframe'); f.srcdoc = '<img src=rick.jpg onload=parent.shown()>';"
    "document.body.append(f)",
}


@pytest.mark.parametrize("script", ASKING.values(), ids=ASKING)
def test_whatever_asks_for_the_named_image_gets_it(browser: ForkServer, script: str) -> None:
    shown = "window.shown = () => { document.body.style.background = 'green' };"
    assert colour(browser, page(shown + script)) == GREEN


def test_what_is_not_there_is_refused_also_in_a_worker(browser: ForkServer) -> None:
    code = "fetch('http://x.invalid/other.jpg').then(() => postMessage(1))"
    worker = f"new Worker(URL.createObjectURL(new Blob([`{code}`]))).onmessage = () => document.body.remove();"
    wait = "setInterval(() => { for (let i = 0; i < 1e6; i++); }, 4)"
    assert colour(browser, page(f"{OK}; {worker} {wait}")) == GREEN


def test_data_and_blob_addresses_work(browser: ForkServer) -> None:
    data = io.BytesIO()
    Image.new("RGB", (10, 10), "green").save(data, "PNG")
    import base64

    source = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    image = image_of(browser, f"<style>body{{margin:0}}</style><img src='{source}' width=1280 height=720>")
    assert image.getpixel((600, 600)) == GREEN
    script = f"""fetch("{source}").then(r => r.blob()).then(b => {{
        const image = new Image(); image.src = URL.createObjectURL(b); image.width = 1280; image.height = 720;
        document.body.append(image); }})"""
    assert image_of(browser, page(script)).getpixel((600, 600)) == GREEN


def test_errors_in_scripts_do_not_fail_the_page(browser: ForkServer) -> None:
    assert colour(browser, page(f"{OK}; setTimeout(() => {{ throw 1 }}); nothing.here()")) == GREEN


def test_pages_that_break_what_the_renderer_might_use_are_rendered(browser: ForkServer) -> None:
    breakage = "Promise = JSON = Map = Symbol = null; Array.prototype.map = () => { throw 1 }; document.fonts.ready = 1"
    assert colour(browser, page(f"{OK}; {breakage}")) == GREEN


def test_webgl_draws(browser: ForkServer) -> None:
    script = """const gl = document.querySelector("canvas").getContext("webgl");
        gl.clearColor(0, 128 / 255, 0, 1); gl.clear(gl.COLOR_BUFFER_BIT);"""
    assert image_of(browser, page(script, "<canvas width=300 height=300></canvas>")).getpixel((150, 150)) == GREEN


def test_assets_are_served_and_the_window_has_the_size_that_was_asked_for(browser: ForkServer, assets: Path) -> None:
    (assets / "paint.js").write_text(OK)
    code = page("", "<script src='paint.js'></script>")
    options = {"width": 300, "height": 200, "assets": {"paint.js": str(assets / "paint.js")}}
    image = image_of(browser, code, **options)
    assert image.size == (300, 200)
    assert image.getpixel((299, 199)) == GREEN
    assert image_of(browser, code, **options | {"width": 200}, scale=2).size == (400, 400)
    assert image_of(browser, code, **options | {"width": 200}).size == (200, 200)
    assert colour(browser, code) == RED, "assets are for the request that names them"


# The same code, the same image

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
    first = image_of(browser, RESTLESS)
    assert image_of(browser, RESTLESS).tobytes() == first.tobytes()
    image_of(browser, "<p>something else</p>")
    assert image_of(browser, RESTLESS).tobytes() == first.tobytes()
    fresh = start()
    try:
        assert image_of(fresh, RESTLESS).tobytes() == first.tobytes()
    finally:
        fresh.close()


@pytest.mark.parametrize("video", ["src=a.mp4 autoplay loop muted", "poster=rick.jpg src=http://site.example/a.mp4"])
def test_players_of_films_that_cannot_be_had_look_the_same_again(browser: ForkServer, video: str) -> None:
    pages = [f"<video controls width=400 height=250 {video}></video><!--{n}-->" for n in range(4)]
    images = {image_of(browser, code).tobytes() for code in pages}
    assert len(images) == 1
    bare = image_of(browser, pages[0].replace(" controls", ""))
    assert bare.tobytes() not in images, "the controls are there"


def test_what_appears_a_second_later_is_rendered(browser: ForkServer) -> None:
    begin = time.monotonic()
    assert colour(browser, page(f"setTimeout(() => {{ {OK} }}, 1500)")) == GREEN
    nested = "const step = n => n ? requestAnimationFrame(() => step(n - 1)) : done(); step(60)"
    assert colour(browser, page(f"const done = () => {{ {OK} }}; {nested}")) == GREEN
    assert colour(browser, page(f"const id = setTimeout(() => {{ {OK} }}, 10); clearTimeout(id)")) == RED
    assert time.monotonic() - begin < 120


def test_transitions_and_animations_are_rendered_at_their_end(browser: ForkServer) -> None:
    style = "<style>body { transition: background 1s } @keyframes in { from { opacity: 0 } } body { animation: in 2s }</style>"
    assert colour(browser, page(f"setTimeout(() => {{ {OK} }}, 20)", style)) == GREEN


def test_animations_in_shadow_trees_are_rendered_at_their_end(browser: ForkServer) -> None:
    script = """document.body.attachShadow({mode: "open"}).innerHTML = `<style>@keyframes in { from { opacity: 0 } }
        div { animation: in 5s; background: green; height: 720px }</style><div></div>`"""
    assert colour(browser, page(script)) == GREEN


def test_time_moves_inside_frames(browser: ForkServer) -> None:
    inner = "<body style=background:red><script>setTimeout(()=>document.body.style.background=`green`,900)</script>"
    code = f'<body style="margin:0"><iframe srcdoc="{inner}" style="border:0;width:1280px;height:720px"></iframe>'
    assert colour(browser, code) == GREEN
