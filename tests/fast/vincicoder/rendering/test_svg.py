"""SVG: sizes, faithful renders, and documents that want more than an image."""

from __future__ import annotations

import base64
import io
import socket
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from vincicoder.languages import LANGUAGES
from vincicoder.rendering import RenderPool
from vincicoder.rendering.sandbox import processes
from vincicoder.status import Status

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
RED = '<rect width="100%" height="100%" fill="red"/>'


def svg(body: str = RED, attributes: str = 'viewBox="0 0 24 12"') -> str:
    return f"<svg {NS} {attributes}>{body}</svg>"


def image_of(pool: RenderPool, code: str) -> Image.Image:
    render = pool.render(code, "svg")
    assert render.status is Status.OK, render
    assert render.image is not None
    return render.image


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('viewBox="0 0 24 12"', (512, 256)),
        ('viewBox="0 0 24 24"', (512, 512)),
        ('viewBox="0,0,24,12"', (512, 256)),
        ('viewBox="-5 -5 1000 500"', (1000, 500)),
        ('viewBox="0 0 24 12" width="600"', (600, 300)),
        ('viewBox="0 0 24 12" height="600"', (1200, 600)),
        ('viewBox="0 0 24 12" width="100%" height="100%"', (512, 256)),
        ('viewBox="0 0 24 12" width="700" height="700"', (700, 700)),
        ('width="700" height="100"', (700, 100)),
        ('width="254mm" height="127mm"', (960, 480)),
        ('width="10in" height="5in"', (960, 480)),
        ('width="750pt" height="375pt"', (1000, 500)),
        ('width="50px" height="25px"', (512, 256)),
        ("", (512, 256)),
        ('viewBox="0 0 0 0"', (512, 256)),
        ('viewBox="0 0 24 12" width="auto"', (512, 256)),
    ],
)
def test_the_size_follows_the_attributes_and_small_images_are_enlarged(
    pool: RenderPool, attributes: str, size: tuple[int, int]
) -> None:
    assert image_of(pool, svg(attributes=attributes)).size == size


@pytest.mark.parametrize(
    "attributes",
    ['width="1e999"', 'width="1e200" height="1e200"', 'width="9" viewBox="0 0 1e308 1e-308"'],
)
def test_a_size_beyond_every_number_is_too_large(pool: RenderPool, attributes: str) -> None:
    render = pool.render(svg(attributes=attributes), "svg")
    assert render.status is Status.TOO_LARGE, render


@pytest.mark.parametrize(
    "code",
    [
        svg(),
        '<?xml version="1.0" encoding="UTF-8"?>\n' + svg(),
        "\n  " + svg() + "\n",
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
        '"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">' + svg(),
        svg("<style>rect{fill:red}</style><rect width='24' height='12'/>"),
        svg("<defs><linearGradient id='g'><stop stop-color='red'/><stop offset='1' stop-color='red'/></linearGradient>"
            "</defs><rect width='24' height='12' fill='url(#g)'/>"),
        svg("<defs><rect id='r' width='24' height='12' fill='red'/></defs><use href='#r'/>"),
        svg("<defs><rect id='r' width='24' height='12' fill='red'/></defs><use xlink:href='#r'/>"),
        svg("<script>alert(1)</script>" + RED),
        svg("<图 名='值'/>" + RED, attributes='viewBox="0 0 24 12" data-größe="3"'),
        svg("<metadata><x:y xmlns:x='urn:x'/></metadata>" + RED),
    ],
)  # fmt: skip
def test_honest_documents_are_rendered(pool: RenderPool, code: str) -> None:
    image = image_of(pool, code)
    assert image.getpixel((image.width // 2, image.height // 2)) == (255, 0, 0)


HALF_RED = "<rect width='100%' height='100%' fill='red' {}/>"


@pytest.mark.parametrize(
    ("half", "same"),
    [
        (HALF_RED.format("opacity='50%'"), HALF_RED.format("opacity='0.5'")),
        (HALF_RED.format("fill-opacity='50 %'"), HALF_RED.format("fill-opacity='.5'")),
        (HALF_RED.format("style='fill: red; opacity: 50%'"), HALF_RED.format("opacity='0.5'")),
        (
            "<style>rect { fill-opacity: 50%; margin: 10% }</style>" + HALF_RED.format(""),
            HALF_RED.format("opacity='.5'"),
        ),
    ],
)
def test_opacity_may_be_given_in_per_cent(pool: RenderPool, half: str, same: str) -> None:
    image = image_of(pool, svg(half))
    assert image.tobytes() == image_of(pool, svg(same)).tobytes()
    assert image.getpixel((5, 5)) in ((255, 127, 127), (255, 128, 128))


@pytest.mark.parametrize("reference", ["", "href=''", "href='#'", "href='other.svg#part'", "xlink:href='#missing'"])
def test_a_use_of_nothing_draws_nothing(pool: RenderPool, reference: str) -> None:
    image = image_of(pool, svg(f"{RED}<use id='u' {reference}/>"))
    assert image.getcolors() == [(512 * 256, (255, 0, 0))]


def test_the_ground_is_white_and_text_is_rendered(pool: RenderPool) -> None:
    empty = image_of(pool, svg(""))
    assert empty.getcolors() == [(512 * 256, (255, 255, 255))]
    for text in ("abc", "中文", "<tspan font-family='No Such Font'>x</tspan>"):
        drawn = image_of(pool, svg(f"<text x='1' y='9' font-size='8'>{text}</text>"))
        assert ImageChops.difference(drawn, empty).getbbox() is not None, text


@pytest.mark.parametrize(
    ("code", "statuses"),
    [
        ("<svg", {Status.SYNTAX_ERROR}),
        ("", {Status.SYNTAX_ERROR}),
        ("plain text", {Status.SYNTAX_ERROR}),
        ("<html/>", {Status.SYNTAX_ERROR}),
        (svg() + "<p/>", {Status.SYNTAX_ERROR}),
        (svg("<rect width='1' width='2'/>"), {Status.SYNTAX_ERROR}),
        (svg("\x00"), {Status.SYNTAX_ERROR}),
        (svg("&nope;"), {Status.SYNTAX_ERROR}),
        (svg(attributes='width="200000" height="200000"'), {Status.TOO_LARGE}),
        (svg(attributes='width="1e300" height="1e300"'), {Status.TOO_LARGE, Status.RUNTIME_ERROR}),
        (svg(attributes='viewBox="0 0 1 10000000"'), {Status.TOO_LARGE, Status.RUNTIME_ERROR}),
        (svg(attributes='viewBox="0 0 nan inf"'), {Status.OK, Status.TOO_LARGE, Status.RUNTIME_ERROR}),
        (svg("<g>" * 5000 + "</g>" * 5000), {Status.RUNTIME_ERROR, Status.OK}),
        (svg("<g>" * 200_000 + "</g>" * 200_000), {Status.RUNTIME_ERROR, Status.OUT_OF_MEMORY, Status.TIMEOUT}),
        (svg("<path d='M0 0 nonsense'/>"), {Status.RUNTIME_ERROR, Status.OK}),
        (f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg {NS}><text y="9">&x;</text></svg>',
         {Status.FORBIDDEN}),
        (f'<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://127.0.0.1/x">%x;]><svg {NS}/>', {Status.FORBIDDEN}),
        ('<!DOCTYPE svg [<!ENTITY a "x">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in
         zip("abcdefghi", "bcdefghij", strict=True)) + f"]><svg {NS}><text>&j;</text></svg>", {Status.FORBIDDEN}),
    ],
)  # fmt: skip
def test_bad_documents_end_in_a_status(pool: RenderPool, code: str, statuses: set[Status]) -> None:
    render = pool.render(code, "svg")
    assert render.status in statuses, render
    assert "root:" not in render.message


USE = "<use xlink:href='#a{}'/>"
BOMB = "<rect id='a0' width='1' height='1'/>" + "".join(
    f"<g id='a{n}'>{USE.format(n - 1) * 10}</g>" for n in range(1, 9)
)


def test_bombs_run_out_of_time(strict: RenderPool) -> None:
    bombs = {
        "use": svg(f"<defs>{BOMB}</defs>{USE.format(8)}"),
        "path": svg(f"<path d='M0 0{'l1 1' * 2_000_000}' stroke-dasharray='0.001' stroke='red'/>"),
    }
    futures = {name: strict.submit(code, "svg") for name, code in bombs.items()}
    statuses = {name: future.result().status for name, future in futures.items()}
    assert statuses["use"] is Status.TIMEOUT
    assert statuses["path"] in (Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.RUNTIME_ERROR)


def test_a_use_that_uses_itself_ends(strict: RenderPool) -> None:
    render = strict.render(svg("<g id='a'><use xlink:href='#a'/></g>"), "svg")
    assert render.status in (Status.OK, Status.RUNTIME_ERROR, Status.TIMEOUT)


@pytest.mark.parametrize(
    "body",
    [
        "<image href='file://{path}' width='24' height='12'/>",
        "<image xlink:href='{path}' width='24' height='12'/>",
        "<image href='{url}' width='24' height='12'/>",
        "<image href=' {url}' width='24' height='12'/>",
        "<use href='{path}#x'/>",
        "<use xlink:href='{url}#x'/>",
        "<style>@import url({url});</style>",
        "<style>@import '{url}';</style>",
        "<style>rect {{ fill: url({url}) }}</style><rect width='9' height='9'/>",
        "<rect width='24' height='12' fill='url({path})'/>",
        "<rect width='24' height='12' style='fill:url(\"{url}\")'/>",
        "<rect width='24' height='12' filter='url(file://{path}#f)'/>",
        "<text><tref xlink:href='{url}#x'/></text>",
        "<a href='{url}'><text>x</text></a>",
        "<foreignObject width='9' height='9'><iframe xmlns='http://www.w3.org/1999/xhtml' src='{url}'/></foreignObject>",
        "<image width='24' height='12' href='data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22"
        " xmlns:xlink=%22http://www.w3.org/1999/xlink%22 viewBox=%220 0 24 12%22%3E%3Cimage xlink:href=%22{path}%22"
        " width=%2224%22 height=%2212%22/%3E%3C/svg%3E'/>",
    ],
)
def test_nothing_outside_the_document_is_rendered(pool: RenderPool, tmp_path: Path, body: str) -> None:
    target = tmp_path / "target.png"
    Image.new("RGB", (24, 12), (1, 2, 3)).save(target)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        render = pool.render(svg(body.format(path=target, url=url)), "svg")
        with pytest.raises(TimeoutError):
            server.accept()
    if render.image is not None:
        assert (1, 2, 3) not in [colour for _, colour in render.image.getcolors(1 << 20) or []]
    else:
        assert render.status.fault == "response"


def red_png() -> str:
    data = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


LEAVES_NOTHING = {
    "definitions": svg('<defs><circle id="a" r="4" fill="red"/><linearGradient id="b"><stop stop-color="red"/>'
                       '</linearGradient></defs><style>rect, .c { fill: red; stroke: blue; opacity: .3 }</style>'),
    "an image and fonts": svg(f'<image width="4" height="4" href="{red_png()}"/>'
                              '<text font-family="Noto Sans CJK SC" font-size="300" x="1" y="9">字 fi</text>'),
    "a namespace": '<q:svg xmlns:q="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><q:rect width="4" height="4"/></q:svg>',
    "clips and transforms": svg('<clipPath id="d"><rect width="1" height="1"/></clipPath>'
                                '<g clip-path="url(#d)" transform="scale(1e-3)"><rect width="9" height="9"/></g>'),
}  # fmt: skip
LOOKS = svg(
    '<use href="#a" x="4" y="4"/><rect class="c" width="5" height="3" fill="url(#b)"/><rect x="5" y="5" width="3" '
    f'height="3" clip-path="url(#d)"/><image x="5" width="2" height="2" href="{red_png()}"/>'
    '<text class="c" x="1" y="9" font-size="3">字 fi</text>'
)


def test_a_kept_worker_draws_each_document_as_a_fresh_one_does() -> None:
    with RenderPool(workers=1) as fresh, RenderPool(workers=1) as kept:
        alone = fresh.render(LOOKS, "svg", facts=True)
        assert alone.ok, alone
        assert kept.render(LANGUAGES.get("svg").sample, "svg").ok
        (worker,) = processes.descendants(kept._servers["svg"].pid)
        for what, code in LEAVES_NOTHING.items():
            assert kept.render(code, "svg").ok, what
            after = kept.render(f"{LOOKS}<!-- after {what} -->", "svg", facts=True)
            assert after.image.tobytes() == alone.image.tobytes(), what
            assert after.facts == alone.facts, what
        assert processes.descendants(kept._servers["svg"].pid) == [worker], "it was replaced, which proves nothing"


def test_a_worker_that_failed_is_not_kept() -> None:
    with RenderPool(workers=1) as pool:
        assert pool.render(LANGUAGES.get("svg").sample, "svg").ok
        before = processes.descendants(pool._servers["svg"].pid)
        assert pool.render("<svg", "svg").status is Status.SYNTAX_ERROR
        assert pool.render(LOOKS, "svg").ok
        assert processes.descendants(pool._servers["svg"].pid) != before
