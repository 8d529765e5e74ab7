"""Python: rasters are counted where its libraries decode them or take their pixels; what a program draws is not."""

from __future__ import annotations

import pytest
from rasters import B64, LARGE, PIXELS, encoded

from vincicoder.guards import decoded_raster, smuggled_raster
from vincicoder.rendering import RenderPool
from vincicoder.status import Status

START = "import io, numpy as np, matplotlib.pyplot as plt\nfrom PIL import Image\n"
HEX = LARGE.hex()
OWN_DECODER = (
    "A = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'\n"
    f"bits = ''.join(format(A.index(c), '06b') for c in '{B64}'.rstrip('='))\n"
    "data = int(bits[:len(bits) // 8 * 8], 2).to_bytes(len(bits) // 8, 'big')\n"
)
SHOW = "Image.open(io.BytesIO(data)).resize((200, 200)).save('out.png')"
COLOURS = [tuple(map(int, pixel)) for pixel in PIXELS.reshape(-1, 3)]
TEXT = "".join(map("{:02x}".format, PIXELS.reshape(-1)))
BYTES = f"text = '{TEXT}'\nvalues = [int(text[i:i + 2], 16) for i in range(0, len(text), 2)]\n"

HIDDEN = {
    "own decoder of base64": START + OWN_DECODER + SHOW,
    "own decoder of base64, read by matplotlib": START
    + OWN_DECODER
    + "open('a.png', 'wb').write(data)\nplt.imshow(plt.imread('a.png'))\nplt.savefig('out.png')",
    "a file left behind": START + OWN_DECODER + "open('out.png', 'wb').write(data)",
    "a file written and opened again": START + OWN_DECODER + "open('a.png', 'wb').write(data)\n"
    "Image.open('a.png').save('out.png')",
    "numbers by putdata": f"{START}i = Image.new('RGB', (40, 40))\ni.putdata({COLOURS})\ni.save('out.png')",
    "numbers by frombytes": START + BYTES + "Image.frombytes('RGB', (40, 40), bytes(values)).save('out.png')",
    "numbers by fromarray": START
    + BYTES
    + "Image.fromarray(np.array(values, np.uint8).reshape(40, 40, 3)).save('out.png')",
    "numbers by imshow": START + BYTES + "plt.imshow(np.reshape(values, (40, 40, 3)))\nplt.axis('off')\nplt.show()",
    "numbers by figimage": START + BYTES + "plt.figure().figimage(np.reshape(values, (40, 40, 3)) / 255)\nplt.show()",
    "without compression": START
    + BYTES
    + "head = b'P6 40 40 255\\n'\nImage.open(io.BytesIO(head + bytes(values))).resize((400, 400)).save('out.png')",
    "beside computed noise": START
    + OWN_DECODER
    + "Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8))\n"
    + SHOW,
}

DATA = "y = " + repr([round(((i * 7919) % 1000) / 7, 3) for i in range(1000)]) + "\n"  # holds as much as an image

HONEST = {
    "lines over much data": START + DATA + "plt.plot(y)\nplt.savefig('out.png')",
    "shown": START + DATA + "plt.plot(y)\nplt.show()",
    "left open": START + DATA + "plt.plot(y)",
    "heat map of literals": START
    + DATA
    + "plt.imshow(np.reshape(y, (25, 40)))\nplt.colorbar()\nplt.savefig('out.png')",
    "heat map that is computed": START
    + DATA
    + "x = np.linspace(0, 9, 300)\nplt.imshow(np.sin(x[:, None]) * np.cos(x))\nplt.savefig('out.png')",
    "mesh": START + DATA + "plt.pcolormesh(np.reshape(y, (25, 40)))\nplt.savefig('out.png')",
    "chart saved to memory and opened again": START
    + DATA
    + "b = io.BytesIO()\nplt.plot(y)\nplt.savefig(b)\nb.seek(0)\nImage.open(b).save('out.png')",
    "chart saved to a file and pasted": START
    + DATA
    + "plt.plot(y)\nplt.savefig('a.png')\ni = Image.new('RGB', (900, 900))\ni.paste(Image.open('a.png'))\ni.save('out.png')",
    "computed noise": START
    + DATA
    + "Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)).save('out.png')",
    "computed pixels without data": START
    + "v = bytes(i * 31 % 256 for i in range(120 * 120 * 3))\nImage.frombytes('RGB', (120, 120), v).save('out.png')",
    "small texture": f"{START}i = Image.open(io.BytesIO({encoded(side=12)!r}))\ni.resize((90, 90)).save('out.png')",
    "molecule": "from rdkit import Chem\nfrom rdkit.Chem import Draw\n"
    "Draw.MolToImage(Chem.MolFromSmiles('CC(=O)Oc1ccccc1C(=O)O')).save('out.png')",
}


@pytest.fixture(scope="module")
def pool() -> RenderPool:
    with RenderPool(2) as pool:
        yield pool


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_rasters_are_counted(pool: RenderPool, name: str) -> None:
    render = pool.render(HIDDEN[name], "python")
    assert render.status is Status.OK, render
    assert decoded_raster(HIDDEN[name], render), render


@pytest.mark.parametrize("name", HONEST)
def test_honest_images_pass(pool: RenderPool, name: str) -> None:
    render = pool.render(HONEST[name], "python")
    assert render.status is Status.OK, render
    assert decoded_raster(HONEST[name], render) is None, render


def test_the_rules_about_text_miss_what_is_counted() -> None:
    missed = {name for name, code in HIDDEN.items() if smuggled_raster(code, "python") is None}
    assert missed >= {f"numbers by {way}" for way in ("putdata", "fromarray", "imshow", "figimage")}


def test_code_that_is_not_watched_sees_the_functions_as_they_are(pool: RenderPool) -> None:
    code = "from PIL import Image\nassert Image.open.__module__ == 'PIL.Image'\nImage.new('RGB', (9, 9)).save('a.png')"
    assert pool.render(code, "python").status is Status.OK
