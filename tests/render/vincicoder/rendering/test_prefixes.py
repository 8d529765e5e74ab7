"""Prefixes of SVG and TikZ, rendered in the job of the whole: their images, their number, and hostile documents."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from PIL import Image, ImageChops
from rendered import SECRET
from repository import EXAMPLES

from vincicoder.rendering import Limits, Render, RenderPool
from vincicoder.rendering.latex_prefixes import places_of
from vincicoder.rendering.svg_prefixes import boundaries
from vincicoder.status import Status

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<style>.a {fill: teal} .b {opacity: 0.5}</style>
<defs><linearGradient id="g"><stop offset="0" stop-color="red"/><stop offset="1"/></linearGradient></defs>
<g transform="rotate(10)"><rect width="60" height="60" x="20" class="a"/>
<circle cx="50" cy="50" r="20" fill="url(#g)"/></g>
<g opacity="0.4"><rect width="50" height="9"/><rect width="9" height="50"/></g>
<g class="b"><line x1="0" y1="0" x2="90" y2="90" stroke="black"/></g>
<text x="10" y="90">Hi</text><use href="#late"/><ellipse id="late" cx="80" cy="20" rx="9" ry="5"/></svg>"""
TIKZ = r"""\documentclass{standalone}\usepackage{tikz}\usetikzlibrary{backgrounds,fit}\begin{document}\begin{tikzpicture}
\node[draw] (a) at (0,0) {A}; \node[draw] (b) at (2,1) {B};
\begin{pgfonlayer}{background}\node[fill=yellow,fit=(a)(b)] {};\end{pgfonlayer}
\begin{scope}[opacity=.5,transparency group]\fill[blue] (3,1) rectangle (4,2); \fill[red] (3,0) circle (1);\end{scope}
\foreach \x in {1,...,5} {\draw (\x,-2) circle (.2);}
\clip (0,0) circle (1); \shade[left color=green] (0,0) rectangle (3,3);
\end{tikzpicture}\end{document}"""
SVGS = sorted((EXAMPLES / "samples").rglob("*.svg"))
PICTURES = sorted(path for path in (EXAMPLES / "samples").rglob("*.tex") if "tikzpicture" in path.read_text("utf-8"))


def drawn(pool: RenderPool, code: str, language: str, most: int = 64) -> Render:
    render = pool.submit(code, language, prefixes=most).result()
    assert render.status is Status.OK, render
    return render


def same(one: Image.Image | None, other: Image.Image | None) -> bool:
    assert one is not None and other is not None
    return one.size == other.size and one.tobytes() == other.tobytes()


def paints(before: Image.Image, after: Image.Image) -> bool:
    return ImageChops.difference(before, after).getbbox() is not None


def one_now_the_rest_when_slow(paths):
    return [pytest.param(path, marks=pytest.mark.slow if place else ()) for place, path in enumerate(paths)]


@pytest.mark.parametrize("code", [SVG, *one_now_the_rest_when_slow([path.read_text("utf-8") for path in SVGS])])
def test_a_prefix_of_svg_looks_as_its_completed_document_does(pool, code):
    completions = {each.end: each.completion for each in boundaries(code)[0]}
    for end, image in drawn(pool, code, "svg").prefixes:
        alone = pool.render(code[:end] + completions[end], "svg")
        assert same(image, alone.image), code[:end]


@pytest.mark.parametrize("path", [*one_now_the_rest_when_slow(SVGS), *one_now_the_rest_when_slow(PICTURES)])
def test_asking_for_prefixes_changes_nothing_of_the_whole(pool, path):
    code, language = path.read_text("utf-8"), {".svg": "svg", ".tex": "latex"}[path.suffix]
    whole = drawn(pool, code, language)
    plain = pool.render(code, language)
    assert same(whole.image, plain.image)
    assert replace(whole, prefixes=(), seconds=0, cpu_seconds=0, image=None) == replace(
        plain, seconds=0, cpu_seconds=0, image=None
    )


def test_statements_of_tikz_appear_one_after_the_other(pool):
    render = drawn(pool, TIKZ, "latex")
    images = [image for _, image in render.prefixes]
    assert [end for end, _ in render.prefixes] == places_of(TIKZ).ends
    assert not paints(images[0], Image.new("RGB", images[0].size, "white")), "the first is empty"
    changes = [paints(before, after) for before, after in itertools.pairwise(images)]
    # The group shows with its last statement; a clip shows nothing.
    assert changes == [True, True, True, False, True, True, False, True]
    assert same(images[-1], render.image)
    yellow = images[3].getpixel((images[3].width // 20, images[3].height // 2))
    assert yellow == images[-1].getpixel((images[3].width // 20, images[3].height // 2))


def test_a_layer_in_the_background_stays_behind_what_was_drawn_before(pool):
    with_layer, whole = (drawn(pool, TIKZ, "latex").prefixes[place][1] for place in (3, -1))
    left = with_layer.crop((0, 0, with_layer.width // 8, with_layer.height // 2))
    assert left.getextrema()[0][0] == 0, "the letter A is black on the layer"
    assert paints(with_layer, whole)


@pytest.mark.parametrize("code", [r"$x^2$", r"\begin{tabular}{c}a\end{tabular}", r"\tikz \draw (0,0) circle (1);"])
def test_a_document_without_a_picture_has_no_prefixes(pool, code):
    assert drawn(pool, code, "latex").prefixes == ()


@pytest.mark.parametrize(
    "code",
    [
        r"\def\two\draw#1;\fill#2;{\draw#1;\fill#2;}\begin{tikzpicture}\two\draw (0,0)--(1,1);\fill (0,0) circle (1);\end{tikzpicture}",
        "\\begin{verbatim}\n\\begin{tikzpicture}\\draw (0,0)--(1,1);\\end{tikzpicture}\n\\end{verbatim}",
    ],
)
def test_a_document_that_marks_would_break_or_show_renders_without_them(pool, code):
    render = drawn(pool, code, "latex")
    assert render.prefixes == ()
    assert same(render.image, pool.render(code, "latex").image)


def test_no_more_images_come_than_were_asked_for_and_than_one_image_may_have_pixels():
    circles = "".join(f'<circle cx="{n % 10}" cy="{n // 10}" r="1"/>' for n in range(100))
    code = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{circles}</svg>'
    with RenderPool(workers=1, limits=Limits(pixels=512 * 512 * 6, cpu_seconds=60, wall_seconds=180)) as pool:
        found = boundaries(code)[0]
        for asked, given in ((3, 3), (20, 5), (0, 0)):
            prefixes = drawn(pool, code, "svg", asked).prefixes
            assert len(prefixes) == given
            assert not prefixes or (prefixes[0][0], prefixes[-1][0]) == (found[0].end, found[-1].end)
        assert pool.submit("print(1)", "python", prefixes=5).result().prefixes == ()


HOSTILE = {
    "svg": [
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd" width="9" height="9"/></svg>',
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&a;</text></svg>',
        f'<svg xmlns="http://www.w3.org/2000/svg">{"<g>" * 3000}<rect/>{"</g>" * 3000}</svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect id="a" width="9" height="9"/>'
        + "".join(
            f'<g id="{b}"><use href="#{a}"/><use href="#{a}"/></g>'
            for a, b in zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu", strict=True)
        )
        + "</svg>",
        '<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"><rect/></svg>',
    ],
    "latex": [
        r"\begin{tikzpicture}\draw (0,0);\immediate\write18{id > got}\input{/etc/passwd}\end{tikzpicture}",
        r"\begin{tikzpicture}\draw (0,0);\loop\iftrue\repeat\end{tikzpicture}",
        r"\begin{tikzpicture}\draw (0,0);\csname pgfsys@invoke\endcsname{/VC99999999 BMC /VC5 BMC q q q}\fill (0,0) circle (1);\end{tikzpicture}",
        r"\begin{tikzpicture}\draw (0,0) circle (9999cm);\draw (0,0) circle (1);\end{tikzpicture}",
    ],
}


@pytest.mark.parametrize(("language", "code"), [(name, code) for name, codes in HOSTILE.items() for code in codes])
def test_hostile_documents_stay_confined_and_get_the_status_that_they_have_without_prefixes(strict, language, code):
    asked, plain = strict.submit(code, language, prefixes=20).result(), strict.render(code, language)
    assert asked.status is plain.status, (asked, plain)
    assert SECRET not in asked.message and "root:" not in asked.message
    assert len(asked.prefixes) <= 20
    assert asked.image is None or same(asked.image, plain.image)


def test_marks_of_ones_own_show_nothing_that_the_whole_does_not_paint(pool):
    code = r"\begin{tikzpicture}\draw (0,0) circle (1);\csname pgfsys@invoke\endcsname{EMC /VC1 BMC}\fill[red] (0,0) circle (1);\draw (2,2) circle (1);\end{tikzpicture}"
    render = drawn(pool, code, "latex")
    (_, first), *_, (_, last) = render.prefixes
    assert not paints(first, Image.new("RGB", first.size, "white"))
    assert same(last, render.image)
