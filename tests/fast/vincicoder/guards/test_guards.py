import base64
import io
import time
import urllib.parse
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vincicoder.errors import ConfigError
from vincicoder.guards import PAYLOAD_CAP, is_blank, smuggled_raster
from vincicoder.languages import LANGUAGES


def _png(size):
    """Return a PNG of noise, of about size * size * 3 bytes."""
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


LARGE = _png(40)
SMALL = _png(8)
B64 = base64.b64encode(LARGE).decode()
SMALL_B64 = base64.b64encode(SMALL).decode()
URL = f"data:image/png;base64,{B64}"
SMALL_URL = f"data:image/png;base64,{SMALL_B64}"
assert len(SMALL) < PAYLOAD_CAP < len(LARGE)

PLOT = "import matplotlib.pyplot as plt\n"
SHOW = "\nplt.imshow(img)\nplt.savefig('out.png')\n"
NUMBERS = [(i * 37) % 256 for i in range(2000)]


CHEATING_PYTHON = {
    "base64": f"import base64, io\nimg = Image.open(io.BytesIO(base64.b64decode('{B64}')))" + SHOW,
    "base64 by another name": f"from base64 import b64decode as d\nimg = show(d('{B64}'))" + SHOW,
    "base64 for URLs": f"import base64\nx = base64.urlsafe_b64decode({base64.urlsafe_b64encode(LARGE)!r})",
    "base64 in bytes": f"import base64\nx = base64.b64decode({base64.b64encode(LARGE)!r})",
    "base64 in lines": f"import base64\nx = base64.b64decode('''\n{base64.encodebytes(LARGE).decode()}''')",
    "base64 in pieces": "import base64\nparts = []\n"
    + "".join(f"parts.append('{B64[i : i + 60]}')\n" for i in range(0, len(B64), 60))
    + "x = base64.b64decode(''.join(parts))",
    "base64 in a list": f"import base64\nb = {[B64[i : i + 40] for i in range(0, len(B64), 40)]}\n"
    "x = base64.b64decode(''.join(b))",
    "base85": f"import base64\nx = base64.b85decode({base64.b85encode(LARGE).decode()!r})",
    "ascii85": f"import base64\nx = base64.a85decode({base64.a85encode(LARGE)!r})",
    "hex": f"x = bytes.fromhex('{LARGE.hex()}')",
    "unhexlify": f"import binascii\nx = binascii.unhexlify('{LARGE.hex()}')",
    "zlib of raw bytes": f"import zlib\nimg = np.frombuffer(zlib.decompress({zlib.compress(LARGE)!r}), 'B')",
    "raw bytes": f"import io\nimg = plt.imread(io.BytesIO({LARGE!r}))",
    "raw bytes, no decoder named": f"img = np.array(list({LARGE!r})).reshape(10, -1)",
    "raw bytes in text": f"img = read({LARGE.decode('latin-1')!r}.encode('latin-1'))",
    "list to bytes": f"img = decode(bytes({list(LARGE)}))",
    "named list to bytes": f"data = {list(LARGE)}\nimg = decode(bytearray(data))",
    "integer to bytes": f"img = decode(({hex(int.from_bytes(LARGE, 'big'))}).to_bytes({len(LARGE)}, 'big'))",
    "text to integer to bytes": f"img = decode(int('{LARGE.hex()}', 16).to_bytes({len(LARGE)}, 'big'))",
    "codecs": f"import codecs\nimg = decode(codecs.decode('{LARGE.hex()}', 'hex'))",
    "joined name of a decoder": f"import base64\nimg = show(getattr(base64, 'b64' + 'decode')('{B64}'))",
    "decoder in text": f"exec('import base' + '64 as b; img = b.b64' + 'decode(\"{B64}\")')",
    "array to bytes": f"from array import array\nopen('a.png', 'wb').write(array('B', {list(LARGE)}).tobytes())",
    "named list to an array": f"import array\nd = {list(LARGE)}\nx = array.array('b', d)",
    "pixels in a text": f"img = Image.new('RGB', (40, 40))\nd = '{LARGE.hex()}'\nimg.putdata(pixels(d))",
    "code over the parsing limit": f"import base64\nx = base64.b64decode('{B64}')\n" + "y = 1\n" * 8000,
    "raw bytes over the parsing limit": "x = b'" + "\\x89" * 20_000 + "'",
    "image file": "img = plt.imread('target.png')" + SHOW,
    "image file by Image.open": "from PIL import Image\nimg = Image.open('/data/target.JPG')" + SHOW,
    "image file by keyword": "img = plt.imread(fname='target.jpeg')",
    "image file by Path": "from pathlib import Path\nimg = plt.imread(Path('target.webp'))",
    "image file by join": "import os\nimg = plt.imread(os.path.join('/data', 'target.png'))",
    "image file by open": "data = open('target.png', 'rb').read()",
    "image file read twice": "a = plt.imread('t.png')\nb = plt.imread('t.png')",
    "data URL": f"fig.add_layout_image(source='{URL}')",
    "data URL in pieces": f"fig.add_layout_image(source='data:image/png;base64,' '{B64}')",
}

HONEST_PYTHON = {
    "plot": PLOT + "plt.plot([1, 2, 3])\nplt.savefig('out.png')",
    "two thousand points": PLOT + f"y = {NUMBERS}\nplt.plot(y)\nplt.savefig('out.png')",
    "two thousand points and the canvas's bytes": PLOT
    + f"import numpy as np\ny = {NUMBERS}\nfig, ax = plt.subplots()\nax.plot(y)\nfig.canvas.draw()\n"
    "img = np.frombuffer(fig.canvas.tostring_argb(), dtype=np.uint8)\nraw = bytes(fig.canvas.buffer_rgba())",
    "heat map": PLOT + f"plt.imshow({[NUMBERS[i : i + 40] for i in range(0, 1600, 40)]}, cmap='hot')",
    "heat map in uint8": PLOT
    + f"import numpy as np\nplt.imshow(np.array({NUMBERS[:900]}, dtype=np.uint8).reshape(30, 30))",
    "figure through a buffer": "import io\nb = io.BytesIO()\nfig.savefig(b)\nimg = Image.open(b)" + SHOW,
    "figure as base64": "url = f'data:image/png;base64,{base64.b64encode(b.getvalue()).decode()}'",
    "small marker": f"import base64\nicon = base64.b64decode('{SMALL_B64}')",
    "written and read back": "Draw.MolToFile(mol, 'mol.png')\nimg = Image.open('mol.png')\nimg.show()",
    "written by open": "with open('out.png', 'wb') as f:\n    f.write(drawer.GetDrawingText())",
    "written by open, mode by name": "f = open('out.png', mode='wb')",
    "sample data of matplotlib": "img = plt.imread(cbook.get_sample_data('ada.png'))",
    "data in an array": f"from array import array\nplt.plot(array('d', {NUMBERS}))\nraw = array('B', [1, 2]).tobytes()",
    "attributes by name": f"import numpy as np\ny = {NUMBERS}\nplt.plot(getattr(np, 'array')(y))",
    "data file": "df = pd.read_csv('data.csv')\nt = open('notes.txt').read()",
    "long table in text": "import io\ndf = pd.read_csv(io.StringIO('''"
    + "\n".join(f"2001-{i},Category_{i},{i * 1.5},{i * 2.25}" for i in range(400))
    + "'''))\nb = io.BytesIO()",
    "long words": "import io\nb = io.BytesIO()\nlabels = "
    + repr([f"A rather long label with many words, number {i}" for i in range(200)]),
    "long SMILES": f"from io import BytesIO\nmol = Chem.MolFromSmiles('{'CC(C)c1ccc(O)cc1' * 40}')",
    "DNA without a decoder": f"seq = '{'ACGT' * 2000}'",
    "ruled comments": PLOT + ("# " + "-" * 76 + "\n# Section\n# " + "=" * 76 + "\n") * 80,
    "Chinese text": PLOT + "plt.title('" + "重现这张图表" * 400 + "')",
    "French text": PLOT + "plt.title('" + "éàèùç " * 900 + "')",
    "escapes that warn": "plt.xlabel('\\alpha \\% \\d')",
    "does not parse": f"import base64\nx = (base64.b64decode('{B64}')",
    "NUL": "x = 1\0",
    "lone surrogate": "x = '\ud800'",
    "empty": "",
}

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
INNER_SVG = SVG.format(f'<image href="{URL}"/>')
INNER_B64 = base64.b64encode(INNER_SVG.encode()).decode()


def _nested(depth, document=INNER_SVG):
    for _ in range(depth):
        inner = base64.b64encode(document.encode()).decode()
        document = SVG.format(f'<image href="data:image/svg+xml;base64,{inner}"/>')
    return document


CHEATING_SVG = {
    "data URL": INNER_SVG,
    "xlink": SVG.format(f"<image xlink:href='{URL}'/>"),
    "JPEG in capitals": SVG.format(f'<image href="DATA:IMAGE/JPEG;BASE64,{B64}"/>'),
    "in lines": SVG.format(f'<image href="data:image/png;base64,\n{base64.encodebytes(LARGE).decode()}"/>'),
    "with a parameter": SVG.format(f'<image href="data:image/webp;charset=utf-8;base64,{B64}"/>'),
    "percent-encoded": SVG.format(f'<image href="data:image/png,{urllib.parse.quote_from_bytes(LARGE)}"/>'),
    "no media type": SVG.format(f'<image href="data:;base64,{B64}"/>'),
    "false media type": SVG.format(f'<image href="data:application/octet-stream;base64,{B64}"/>'),
    "feImage": SVG.format(f'<filter><feImage href="{URL}"/></filter>'),
    "style": SVG.format(f"<style>rect {{ fill: url({URL}) }}</style>"),
    "character references": SVG.format(f'<image href="&#100;&#x61;ta&colon;image&#47;png;base64&#44;{B64}"/>'),
    "many small ones": SVG.format("".join(f'<image x="{i}" href="{SMALL_URL}"/>' for i in range(12))),
    "SVG in SVG": SVG.format(f'<image href="data:image/svg+xml;base64,{INNER_B64}"/>'),
    "SVG in SVG, percent-encoded": SVG.format(f'<image href="data:image/svg+xml,{urllib.parse.quote(INNER_SVG)}"/>'),
    "SVG three deep": _nested(3),
    "SVG too deep to tell": _nested(8),
    "file": SVG.format('<image href="target.png"/>'),
    "file by xlink": SVG.format("<image width='1' xlink:href = '../target.jpg'/>"),
    "file URL": SVG.format('<svg:image href="file:///data/target.png"/>'),
    "file in feImage": SVG.format('<feImage href="target.png"/>'),
}

HONEST_SVG = {
    "shapes": SVG.format('<rect width="4" height="4"/><path d="M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10z"/>'),
    "small texture": SVG.format(f'<image href="{SMALL_URL}"/>'),
    "long path": SVG.format(f'<path d="{"".join(f"l{i}-{i}h{i}v{i}z" for i in range(3000))}"/>'),
    "use and links": SVG.format('<use href="#a"/><use xlink:href="#b"/><image href="#c"/><a href="x.html">x</a>'),
    "remote image, which never loads": SVG.format('<image href="https://example.org/a.png"/>'),
    "SVG in SVG": SVG.format('<image href="data:image/svg+xml,%3Csvg%3E%3Crect/%3E%3C/svg%3E"/>'),
    "font": SVG.format(f"<style>@font-face {{ src: url(data:font/woff2;base64,{'d09GMgAB' * 2000}) }}</style>"),
    "text about data": SVG.format("<text>Our data: image/png, base64, and more.</text>"),
}

PAGE = "<!DOCTYPE html><html><body>{}</body></html>"

CHEATING_HTML = {
    "img": PAGE.format(f'<img src="{URL}">'),
    "img without quotes": PAGE.format(f"<img src={URL}>"),
    "CSS": PAGE.format(f"<style>body {{ background: url({URL}) }}</style>"),
    "style attribute": PAGE.format(f"<div style=\"background: url('{URL}')\"></div>"),
    "inline SVG": PAGE.format(INNER_SVG),
    "SVG background": PAGE.format(f"<style>a {{ background: url('data:image/svg+xml;base64,{INNER_B64}') }}</style>"),
    "frame": PAGE.format(f'<iframe src="data:text/html;base64,{INNER_B64}"></iframe>'),
    "frame document": PAGE.format(f'<iframe srcdoc="&lt;img src=&quot;{URL}&quot;&gt;"></iframe>'),
    "script": PAGE.format(f"<script>const b = '{B64}'; img.src = 'data:image/png;base64,' + b;</script>"),
    "script with a template": PAGE.format(
        f"<script>const b = '{B64}'; img.src = `data:image/png;base64,${{b}}`;</script>"
    ),
    "script in pieces": PAGE.format(
        "<script>img.src = 'data:image/png;base64,' + "
        + " +\n".join(f"'{B64[i : i + 76]}'" for i in range(0, len(B64), 76))
        + "</script>"
    ),
    "atob": PAGE.format(f"<script>const bytes = atob('{B64}');</script>"),
    "byte array": PAGE.format(f"<script>new Blob([new Uint8Array({list(LARGE)})])</script>"),
    "named byte array": PAGE.format(f"<script>const d = {list(LARGE)};\nnew Uint8ClampedArray(d)</script>"),
    "file": PAGE.format('<img src="file:///data/target.png">'),
    "file in CSS": PAGE.format("<style>a { background: url( 'file:///data/target.png') }</style>"),
}

HONEST_HTML = {
    "placeholder": PAGE.format('<img src="rick.jpg"><div style="background: url(rick.jpg)"></div>'),
    "relative and remote images": PAGE.format('<img src="images/logo.png"><img src="https://example.org/a.png">'),
    "one transparent pixel": PAGE.format('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
    "one pixel and many paths": PAGE.format(
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
        + "".join(f'<a href="/catalogue/products/garden/furniture/{i}">x</a>' for i in range(300))
    ),
    "SVG icon in CSS": PAGE.format(
        "<style>a { background: url(\"data:image/svg+xml;utf8,<svg><path d='M0 0'/></svg>\") }</style>"
    ),
    "embedded font and a small icon": PAGE.format(
        f"<style>@font-face {{ src: url(data:font/woff2;base64,{'d09GMgABAAAA' * 2000}) }}</style>"
        f"<img src='{SMALL_URL}'>"
    ),
    "chart in a script": PAGE.format(f"<script>new Chart(c, {{ data: {NUMBERS}, label: 'data: 1,2' }})</script>"),
    "canvas exported": PAGE.format("<script>const u = c.toDataURL('image/png'); img.src = u;</script>"),
    "token decoded": PAGE.format("<script>atob('aGVsbG8=')</script>"),
    "ruled comments": PAGE.format(f"<img src='{SMALL_URL}'>" + ("<!-- " + "-" * 80 + " -->\n") * 80),
    "long text": PAGE.format("<p>" + "Lorem ipsum dolor sit amet. " * 2000 + "</p>"),
    "long character references": PAGE.format("&#" + "9" * 5000 + "; &#x110000; &amp; &colon;"),
}

DOCUMENT = "\\documentclass{{article}}\\usepackage{{graphicx,tikz}}\n\\begin{{document}}\n{}\n\\end{{document}}"

CHEATING_LATEX = {
    "includegraphics": DOCUMENT.format("\\includegraphics[width=3cm]{target.png}"),
    "includegraphics by csname": DOCUMENT.format("\\csname includegraphics\\endcsname{target}"),
    "includegraphics by another name": DOCUMENT.format("\\let\\pic\\includegraphics \\pic{target}"),
    "includegraphics in TikZ": DOCUMENT.format("\\tikz \\node {\\includegraphics*{fig}};"),
    "placeholder's name written by the document": DOCUMENT.format("\\includegraphics{example-image}").replace(
        "\\documentclass",
        "\\begin{filecontents*}{example-image.eps}\nx\n\\end{filecontents*}\n\\documentclass",
    ),
    "pgfimage": DOCUMENT.format("\\pgfimage{target}"),
    "pgfdeclareimage": DOCUMENT.format("\\pgfdeclareimage{a}{target}\\pgfuseimage{a}"),
    "includepdf": DOCUMENT.format("\\includepdf[pages=1]{target.pdf}"),
    "pdfximage": DOCUMENT.format("\\pdfximage{target.png}\\pdfrefximage\\pdflastximage"),
    "addplot graphics": DOCUMENT.format("\\addplot [on layer=x] graphics [xmin=0] {target};"),
    "old commands": DOCUMENT.format("\\epsfig{file=target.eps}"),
    "inline PDF image": DOCUMENT.format(
        f"\\pdfliteral{{q 40 0 0 40 0 0 cm BI /W 40 /H 40 /F /AHx ID {LARGE.hex()}> EI Q}}"
    ),
    "PostScript image": DOCUMENT.format(f"\\special{{ps: 40 40 8 [1 0 0 1 0 0] {{<{LARGE.hex()}>}} image}}"),
    "data URL": DOCUMENT.format(f"\\href{{{URL}}}{{x}}"),
}

HONEST_LATEX = {
    "TikZ": DOCUMENT.format("\\begin{tikzpicture}\\draw (0,0) -- (1,1);\\end{tikzpicture}"),
    "pgfplots with data": DOCUMENT.format(
        "\\begin{axis}\\addplot coordinates {" + "".join(f"({i},{i})" for i in range(2000)) + "};\\end{axis}"
    ),
    "placeholders": DOCUMENT.format(
        "\\includegraphics[width=.5\\textwidth]{example-image-a}\\includegraphics{ example-grid-100x100pt }"
    ),
    "commented out": DOCUMENT.format("x % \\includegraphics{target}\n% \\includegraphics{target}\ny"),
    "path and names alike": DOCUMENT.format("\\graphicspath{{img/}}\\newcommand\\includegraphicsnote{x}"),
    "small literal": DOCUMENT.format("\\pdfliteral{q 1 0 0 RG 0 0 m 9 9 l S Q}"),
    "graphics as a word": DOCUMENT.format("Computer graphics. \\addplot[graphics] table {x};"),
}

CHEATING = {"python": CHEATING_PYTHON, "svg": CHEATING_SVG, "html": CHEATING_HTML, "latex": CHEATING_LATEX}
HONEST = {"python": HONEST_PYTHON, "svg": HONEST_SVG, "html": HONEST_HTML, "latex": HONEST_LATEX}


def cases(tables):
    return [(language, name) for language, table in tables.items() for name in table]


@pytest.mark.parametrize(("language", "name"), cases(CHEATING))
def test_smuggled_rasters_are_found(language, name):
    reason = smuggled_raster(CHEATING[language][name], language)
    assert reason
    assert len(reason) < 200


@pytest.mark.parametrize(("language", "name"), cases(HONEST))
def test_honest_code_is_left_alone(language, name):
    assert smuggled_raster(HONEST[language][name], language) is None


def test_every_language_with_a_guard_of_its_own_has_its_tables():
    ours = {entry.name for entry in LANGUAGES.entries().values() if entry.origin == "vincicoder"}
    assert set(CHEATING) == set(HONEST) == {name for name in ours if LANGUAGES.get(name).guard}


@pytest.mark.parametrize("language", LANGUAGES)
def test_samples_pass_and_a_language_without_a_guard_of_its_own_has_the_common_one(language):
    sample = LANGUAGES.get(language).sample
    assert smuggled_raster(sample, language) is None
    assert LANGUAGES.get(language).guard or smuggled_raster(f"{sample}\n{URL}", language)


def test_the_cap_is_a_parameter_and_the_reason_names_it():
    for language, code in (("python", HONEST_PYTHON["small marker"]), ("svg", HONEST_SVG["small texture"])):
        assert smuggled_raster(code, language, max_bytes=len(SMALL)) is None
        assert f"allowed: {len(SMALL) - 9:,}" in smuggled_raster(code, language, max_bytes=len(SMALL) - 9)
    assert smuggled_raster(INNER_SVG, "svg", max_bytes=len(LARGE)) is None


def test_an_alias_names_the_language_and_an_unknown_one_is_refused():
    assert smuggled_raster("\\includegraphics{x}", "tikz")
    with pytest.raises(ConfigError):
        smuggled_raster("", "cobol")


def test_judging_python_leaves_warnings_as_they_were():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        smuggled_raster("x = '\\d'", "python")
        warnings.warn("still heard", stacklevel=1)
    assert [str(each.message) for each in caught] == ["still heard"]


LONG = 300_000
HOSTILE = {
    "deep parentheses": "(" * 30_000,
    "deep minus": "-" * 30_000 + "1",
    "deep sum": "+".join("1" * 15_000),
    "deep attributes": "a" + ".b" * 15_000,
    "deep lists": "[" * 90 + "]" * 90,
    "deep blocks": "".join(" " * i + "if x:\n" for i in range(99)),
    "long sum": "+".join("1" * (LONG // 2)),
    "long list": f"x = [{'1,' * (LONG // 2)}]",
    "numbers": "1" * LONG,
    "URLs without end": "data:" * (LONG // 5),
    "URLs": "data:a/b;base64,A" * (LONG // 17),
    "rasters": "data:image/png," * (LONG // 15),
    "documents": "data:image/svg+xml," * (LONG // 19),
    "headers": "data:" + "a" * LONG,
    "commas": "," * LONG,
    "spaces": "data: " + " " * LONG,
    "images": "<image " * (LONG // 7),
    "hrefs": "<image " + "href = " * (LONG // 7),
    "references": "&#" * (LONG // 2),
    "digits": "atob Uint8Array" + "123 " * (LONG // 4),
    "number lists": "Uint8Array" + "1," * (LONG // 2),
    "sources": "src=" * (LONG // 4),
    "backslashes": "x" + "\\" * LONG,
    "comments": "%" * LONG,
    "graphics": "\\includegraphics[" * (LONG // 17),
    "placeholders": "\\includegraphics{example-image}" * (LONG // 31),
    "addplot": "\\addplot[" * (LONG // 9),
    "specials": "\\special{" * (LONG // 9),
    "letters": "b64decode " + "a" * LONG,
    "escapes": "\\x00" * (LONG // 4),
    "surrogates": "\ud800data:image/png,\udfff\x00" * 10_000,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_is_judged_in_linear_time_without_raising(name, language):
    start = time.process_time()
    smuggled_raster(HOSTILE[name], language)
    assert time.process_time() - start < 20, "quadratic work would take minutes"


# Blank images


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_one_colour_is_blank(mode, colour):
    assert is_blank(Image.new("RGB", (300, 200), colour).convert(mode))


def test_one_pixel_is_blank():
    assert is_blank(Image.new("RGB", (1, 1), (3, 4, 5)))


def test_a_single_different_pixel_is_something():
    image = Image.new("RGB", (4000, 4000), "white")
    image.putpixel((1234, 3210), (255, 255, 250))
    assert not is_blank(image)


def test_a_faint_line_is_something():
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).line((0, 0, 200, 200), fill=(250, 250, 250))
    assert not is_blank(image)


@pytest.mark.parametrize("colour", [(13, 130, 201), (255, 255, 255), (77, 77, 77)])
def test_the_rounding_of_lossy_files_is_still_blank(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (123, 77), colour).save(buffer, "JPEG", quality=40)
    assert is_blank(Image.open(buffer))
    assert not is_blank(Image.fromarray(np.array([[[0, 0, 0], [0, 0, 2]]], np.uint8)), tolerance=1)
