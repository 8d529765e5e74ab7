r"""LaTeX: rasters are counted in the PDF that TeX made, whatever hides them from the rules about text."""

from __future__ import annotations

import random
from string import ascii_lowercase

import pytest
from rasters import PIXELS

from vincicoder.guards import decoded_raster
from vincicoder.rendering import RenderPool
from vincicoder.status import Status

HEX = PIXELS.tobytes().hex()
LINES = "\n".join(HEX[i : i + 60] for i in range(0, len(HEX), 60))
INLINE = f"q 40 0 0 40 0 0 cm BI /W 40 /H 40 /CS /RGB /BPC 8 /F /AHx ID\n{LINES}>\nEI Q"
IMAGE = "/Type/XObject/Width 40/Height 40/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/ASCIIHexDecode"
PDF = f"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 40 40]/Resources<</XObject<</I 5 0 R>>>>/Contents 4 0 R>> endobj
4 0 obj <</Length 27>> stream
q 40 0 0 40 0 0 cm /I Do Q
endstream endobj
5 0 obj <<{IMAGE}/Subtype/Image/Length {len(LINES) + 1}>> stream
{LINES}>
endstream endobj
trailer <</Root 1 0 R>>
%%EOF"""


def document(body: str, preamble: str = "") -> str:
    packages = r"\usepackage{graphicx,tikz}" + preamble
    return f"\\documentclass{{article}}{packages}\\begin{{document}}x{body}\\end{{document}}"


def with_file(body: str) -> str:
    return f"\\begin{{filecontents*}}[overwrite]{{a.pdf}}\n{PDF}\n\\end{{filecontents*}}\n" + document(body)


def random_words(count: int) -> str:
    """Return text that holds much, so that an image could be hidden in it."""
    chance = random.Random(0)
    return " ".join("".join(chance.choices(ascii_lowercase, k=5)) for _ in range(count))


HIDDEN = {
    "image beside a placeholder": with_file(
        r"\includegraphics{example-image-a.png}\def\g{graphics}\csname include\g\endcsname{a.pdf}"
    ),
    "literal in short lines": document(rf"\pdfliteral{{{INLINE}}}"),
    "literal by csname": document(rf"\csname pdf\string literal\endcsname{{{INLINE}}}"),
    "special of another driver": document(rf"\special{{pdf:content {INLINE}}}", r"\usepackage{fontspec}"),
    "file written and placed by another escape character": with_file(r"\catcode`!=0 !includegraphics{a.pdf}"),
    "file written and placed by a joined name": with_file(r"\def\g{graphics}\csname include\g\endcsname{a.pdf}"),
    "image object": document(
        rf"\pdfobj stream attr{{{IMAGE}/Subtype/Image}}{{{LINES}>}}\pdfrefobj\pdflastobj"
        r"\edef\o{\the\pdflastobj}\pdfpageresources{/XObject <</Zz \o\space 0 R>>}"
        r"\pdfliteral{q 40 0 0 40 0 0 cm /Zz Do Q}"
    ),
    "image object with an escaped name": document(
        rf"\catcode`\#=12 \pdfobj stream attr{{{IMAGE}/Subtype/#49mage}}{{{LINES}>}}\pdfrefobj\pdflastobj"
        r"\edef\o{\the\pdflastobj}\pdfpageresources{/XObject <</Zz \o\space 0 R>>}"
        r"\pdfliteral{q 40 0 0 40 0 0 cm /Zz Do Q}"
    ),
    "image in a pattern": document(
        r"\immediate\pdfobj stream attr{/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 40 40]"
        rf"/XStep 40/YStep 40/Resources<<>>}}{{{INLINE}}}\edef\o{{\the\pdflastobj}}"
        r"\pdfpageresources{/Pattern<</Pz \o\space 0 R>>}\pdfliteral{/Pattern cs /Pz scn 0 0 40 40 re f}"
    ),
}

HONEST = {
    "TikZ with shadings, fadings, patterns and shadows": document(
        r"\begin{tikzpicture}\shade[ball color=red] (0,0) circle (1);\draw[pattern=dots] (2,2) rectangle (3,3);"
        r"\shade[left color=red,path fading=east] (0,0) rectangle (3,1);\node[drop shadow,fill=red]{a};"
        r"\end{tikzpicture}",
        r"\usetikzlibrary{fadings,patterns,shadings,shadows}",
    ),
    "surface": r"\begin{tikzpicture}\begin{axis}\addplot3[surf,shader=interp]{x*y};\end{axis}\end{tikzpicture}",
    "placeholder": document(r"\includegraphics{example-image-a}"),
    "placeholder as a raster": document(r"\includegraphics{example-image-a.png}"),
    "placeholders in a long document": document(
        r"\includegraphics{example-image-a.png}\includegraphics{example-image-b.jpg}\includegraphics{example-image-c.png}"
        r"\includegraphics[width=2cm]{example-image-a.png}\includegraphics{example-grid-100x100pt.png}"
        + random_words(900)
    ),
    "placeholders by another driver": document(
        r"\includegraphics{example-image-a.png}\includegraphics{example-image-b.png}" + random_words(900),
        r"\usepackage{fontspec}",
    ),
    "small literal": document(r"\pdfliteral{q 9 0 0 9 0 0 cm BI /W 2 /H 1 /CS /G /BPC 8 /F /AHx ID 00ff> EI Q}"),
    "long text": document("Big ID of BI EI. " * 900),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_rasters_are_counted(pool: RenderPool, name: str) -> None:
    render = pool.render(HIDDEN[name], "latex")
    assert render.status is Status.OK, render
    assert decoded_raster(HIDDEN[name], render)


@pytest.mark.parametrize("name", HONEST)
def test_honest_images_pass(pool: RenderPool, name: str) -> None:
    render = pool.render(HONEST[name], "latex")
    assert render.status is Status.OK, render
    assert decoded_raster(HONEST[name], render) is None
