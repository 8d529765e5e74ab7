"""HTML: rasters are counted as the browser loads and scripts paint them, whatever hides them from the text's rules."""

from __future__ import annotations

import base64
from urllib.parse import quote, quote_from_bytes

import pytest
from rasters import B64, LARGE, PIXELS, SMALL, SMALL_B64

from vincicoder.guards import decoded_raster
from vincicoder.rendering import RenderPool
from vincicoder.status import Status

URL = f"data:image/png;base64,{B64}"
PAGE = "<!DOCTYPE html><html><body>{}</body></html>"
BYTES = f"Uint8Array.from(window['at'+'ob']('{B64}'), c => c.charCodeAt(0))"
SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
    f'<image width="40" height="40" href="&#100;ata:image/png;base64,{B64}"/></svg>'
)
STYLED_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><foreignObject width="40" height="40">'
    f'<p xmlns="http://www.w3.org/1999/xhtml" style="background:url(d\\61 ta:image/png;base64,{B64})">.</p>'
    "</foreignObject></svg>"
)
RUNS = ",".join(f"{pixel:06x}" for pixel in (PIXELS.astype(int) @ [65536, 256, 1]).ravel())
PAINT = (
    "const image = new ImageData(40, 40); runs.split(',').forEach((hex, i) => {"
    " const n = parseInt(hex, 16); image.data.set([n >> 16, n >> 8 & 255, n & 255, 255], 4 * i); });"
)
CANVAS = "<canvas id='c' width='40' height='40'></canvas>"


def page(body: str = "", script: str = "") -> str:
    return PAGE.format(body + (f"<script>{script}</script>" if script else ""))


def image(url: str) -> str:
    return page(f'<img src="{url}">')


HIDDEN = {
    "joined in a script": page("<img id='i'>", f"i.src = 'da' + 'ta:image/png;base64,' + '{B64}'"),
    "escaped in a script": page("<img id='i'>", f"i.src = '\\x64ata:image/png;base64,{B64}'"),
    "line break in the scheme": image(f"da\nta:image/png;base64,{B64}"),
    "tab in the scheme": image(f"da&Tab;ta:image/png;base64,{B64}"),
    "CSS escape": page(
        f"<style>div {{ width: 40px; height: 40px; background: url(d\\61 ta:image/png;base64,{B64}) }}</style><div></div>"
    ),
    "quote in a parameter": image(f"data:image/png;x='';base64,{B64}"),
    "parameters of 300 characters": image(f"data:image/png;{'a=b;' * 75}base64,{B64}"),
    "percent-encoded": image(f"d&#97;ta:image/png;x='';,{quote_from_bytes(LARGE)}"),
    "source set": page(f"<picture><source srcset=\"data:image/png;x='';base64,{B64}\"><img></picture>"),
    "generated content": page(f"<style>p::before {{ content: url(d\\61 ta:image/png;base64,{B64}) }}</style><p>a</p>"),
    "mask": page(
        '<div style="width: 40px; height: 40px; background: red;'
        f' mask-image: url(d\\61 ta:image/png;base64,{B64})"></div>'
    ),
    "object": page(f"<object data=\"data:image/png;x='';base64,{B64}\"></object>"),
    "frame": page("<iframe id='f'></iframe>", f"f.srcdoc = '<img src=\"da' + 'ta:image/png;base64,{B64}\">'"),
    "filter": page(
        "<svg width='40' height='40'><filter id='f'>"
        f"<feImage href=\"data:image/png;x='';base64,{B64}\"/></filter><rect width='40' height='40' filter='url(#f)'/></svg>"
    ),
    "blob": page("<img id='i'>", f"i.src = URL.createObjectURL(new Blob([{BYTES}]))"),
    "fetched": page(
        "<img id='i'>",
        f"fetch('da' + 'ta:image/png;base64,{B64}').then(r => r.blob()).then(b => {{ i.src = URL.createObjectURL(b) }})",
    ),
    "bitmap": page(CANVAS, f"createImageBitmap(new Blob([{BYTES}])).then(b => c.getContext('2d').drawImage(b, 0, 0))"),
    "decoded out of sight": page(
        CANVAS,
        "const i = new Image(); i.onload = () => c.getContext('2d').drawImage(i, 0, 0);"
        f"i.src = 'da' + 'ta:image/png;base64,{B64}'",
    ),
    "SVG in an image": image("data:image/svg+xml;base64," + base64.b64encode(SVG.encode()).decode()),
    "SVG in an image, percent-encoded": image(f"data:image/svg+xml;x='';,{quote(SVG)}"),
    "SVG with a style in an image": image(
        "data:image/svg+xml;base64," + base64.b64encode(STYLED_SVG.encode()).decode()
    ),
    "SVG in a blob": page(
        "<img id='i'>",
        "i.src = URL.createObjectURL(new Blob([window['at'+'ob']('"
        + base64.b64encode(SVG.encode()).decode()
        + "')], {type: 'image/svg+xml'}))",
    ),
    "pixels": page(CANVAS, f"const runs = '{RUNS}'; {PAINT} c.getContext('2d').putImageData(image, 0, 0)"),
    "pixels in a bitmap": page(
        CANVAS,
        f"const runs = '{RUNS}'; {PAINT} createImageBitmap(image).then(b => c.getContext('2d').drawImage(b, 0, 0))",
    ),
    "exported again": page(
        CANVAS + "<img id='j'>",
        "const i = new Image(); i.onload = () => { c.getContext('2d').drawImage(i, 0, 0); j.src = c.toDataURL() };"
        f"i.src = 'da' + 'ta:image/png;base64,{B64}'",
    ),
    "pixels in a frame": page(
        CANVAS + "<iframe id='f'></iframe>",
        f"const runs = '{RUNS}'; {PAINT} const d = f.contentDocument.createElement('canvas');"
        "d.getContext('2d').putImageData(image, 0, 0); c.getContext('2d').drawImage(d, 0, 0); f.remove()",
    ),
}

HONEST = {
    "text and boxes": page("<h1>Title</h1><div style='background: navy; height: 40px'></div>"),
    "placeholder": page('<img src="rick.jpg"><div style="background: url(rick.jpg); height: 90px"></div>'),
    "small icon": image(f"data:image/png;base64,{SMALL_B64}"),
    "small icon in many places": page(f"<img src='data:image/png;base64,{SMALL_B64}'>" * 40),
    "SVG icon": image("data:image/svg+xml," + quote(SVG.replace(B64, SMALL_B64))),
    "large SVG illustration": image(
        "data:image/svg+xml,"
        + quote(
            '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">'
            + "".join(f'<circle cx="{i % 90}" cy="{i * 7 % 90}" r="{i % 5}"/>' for i in range(300))
            + "</svg>"
        )
    ),
    "computed noise": page(
        "<p>" + "Lorem ipsum dolor sit amet, consectetur. " * 300 + "</p>" + CANVAS,
        "const x = c.getContext('2d'), image = x.createImageData(40, 40);"
        "for (let i = 0; i < image.data.length; i++) image.data[i] = Math.random() * 256; x.putImageData(image, 0, 0)",
    ),
    "canvas shown as an image": page(
        f"<p style='word-break: break-all'>{RUNS}</p><img id='i'>" + CANVAS,
        "const x = c.getContext('2d'); for (let i = 0; i < 1600; i++) {"
        " x.fillStyle = `hsl(${i * 77 % 360} 90% ${i * 31 % 100}%)`; x.fillRect(i % 40, i / 40 | 0, 1, 1); }"
        "i.src = c.toDataURL()",
    ),
    "canvas shown as a blob": page(
        f"<p style='word-break: break-all'>{RUNS}</p><img id='i'>" + CANVAS,
        "const x = c.getContext('2d'); for (let i = 0; i < 1600; i++) {"
        " x.fillStyle = `hsl(${i * 77 % 360} 90% ${i * 31 % 100}%)`; x.fillRect(i % 40, i / 40 | 0, 1, 1); }"
        "c.toBlob(b => { i.src = URL.createObjectURL(b) })",
    ),
    "embedded font": page(
        f"<style>@font-face {{ font-family: a; src: url(data:font/woff2;base64,{'d09GMgAB' * 999}) }}</style>"
        "<p style='font-family: a'>Text</p>"
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_rasters_are_counted(pool: RenderPool, name: str) -> None:
    render = pool.render(HIDDEN[name], "html")
    assert render.status is Status.OK, render
    assert decoded_raster(HIDDEN[name], render)


@pytest.mark.parametrize("name", HONEST)
def test_honest_images_pass(pool: RenderPool, name: str) -> None:
    render = pool.render(HONEST[name], "html")
    assert render.status is Status.OK, render
    assert decoded_raster(HONEST[name], render) is None


def test_the_count_is_that_of_the_loaded_files(pool: RenderPool) -> None:
    assert pool.render(image(URL), "html").embedded_bytes == len(LARGE)
    assert pool.render(HONEST["small icon in many places"], "html").embedded_bytes == len(SMALL)
    assert pool.render(HONEST["text and boxes"], "html").embedded_bytes == 0, "nothing is left of the page before"


def test_a_page_cannot_talk_the_count_down(pool: RenderPool) -> None:
    code = HIDDEN["pixels"].replace("<script>", "<script>__painted(-1e9); window.__painted = () => {};", 1)
    assert decoded_raster(code, pool.render(code, "html"))
