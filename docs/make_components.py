"""Makes ``docs/components.png``, what each component of `robust` sees: ``python docs/make_components.py``.

A row for each component: the target, the render of an answer with a fault that this component minds, and both as the
component looks at them. Scored with the encoder ``embedded``; needs Python's renderer, no GPU and no weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps, font_manager
from PIL import Image, ImageDraw, ImageFont

from vincicoder import Render, RenderPool, RewardRequest, RewardResult, VisualReward
from vincicoder.rendering.facts import Facts
from vincicoder.reward.components.hog import Hog
from vincicoder.reward.components.stretched import Stretched

CHART = """import matplotlib.pyplot as plt
plt.figure(figsize=(4.2, 3), dpi=100)
plt.bar(["Mon", "Tue", "Wed", "Thu"], {heights}, color="{colour}")
plt.title("{title}")
plt.ylabel("Loaves")
{more}plt.savefig("chart.png")
"""
RIGHT = {"heights": [30, 45, 38, 60], "colour": "#2a6f97", "title": "Bread sold", "more": ""}
MOLECULE = """from rdkit import Chem
from rdkit.Chem import Draw
Draw.MolToImage(Chem.MolFromSmiles("{}"), size=(420, 300)).save("molecule.png")
"""
CELL, GAP, HEAD, TEXT = (300, 214), 12, 58, 330
_HOG_CELL, _HOG_SIDE = 12, 384  # as the component has them


class Shown(NamedTuple):
    """A render and what its renderer knows of it."""

    image: Image.Image
    facts: Facts


Look = Callable[[Shown, RewardResult, str], Image.Image]


class Row(NamedTuple):
    """One component with an answer that it minds."""

    component: str
    fault: str
    target: str
    answer: str
    look: Look


def main() -> None:
    """Render, score and draw."""
    rows = _rows()
    with RenderPool() as pool, VisualReward("embedded", preset="robust") as reward:
        waiting = [(pool.submit(row.target, "python", True), pool.submit(row.answer, "python", True)) for row in rows]
        pairs = [tuple(_shown(each.result()) for each in pair) for pair in waiting]
        requests = [
            RewardRequest(f"```python\n{row.answer}```", target.image, language="python", reference=row.target)
            for row, (target, _) in zip(rows, pairs, strict=True)
        ]
        results = reward.score(requests)
    page = Image.new("RGB", (4 * (CELL[0] + GAP) + TEXT + GAP, HEAD + len(rows) * (CELL[1] + GAP) + GAP), "white")
    draw = ImageDraw.Draw(page)
    for column, title in enumerate(("target", "render", "target, as seen", "render, as seen")):
        draw.text((GAP + column * (CELL[0] + GAP), 14), title, "#222222", _font(27, bold=True))
    for number, (row, (target, render), result) in enumerate(zip(rows, pairs, results, strict=True)):
        seen = [row.look(target, result, row.target), row.look(render, result, row.answer)]
        _draw_row(page, HEAD + number * (CELL[1] + GAP), row, [target.image, render.image, *seen], result)
    path = Path(__file__).with_name("components.png")
    page.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {page.width} x {page.height}")
    for row, result in zip(rows, results, strict=True):
        print(row.component, {name: round(score, 3) for name, score in result.scores.items() if score is not None})


def _shown(render: Render) -> Shown:
    assert render.image is not None, render
    return Shown(render.image, render.facts or Facts())


def _rows() -> list[Row]:
    def chart(**changes: object) -> str:
        return CHART.format(**{**RIGHT, **changes})

    dots = "plt.text(0, 50, 'sold out')\n"
    right, acid = chart(), "CC(=O)Oc1ccccc1C(=O)O"
    return [
        Row("stretched", "a bar is missing", right, chart(heights=[30, 45, 38, 0]), _ink),
        Row("hog", "other edges: bars of stripes", right, right.replace('color="', 'hatch="//", color="'), _edges),
        Row("text", "a wrong title and a further text", right, chart(title="Cakes baked", more=dots), _spans),
        Row("values", "a bar is a quarter too high", right, chart(heights=[30, 45, 47.5, 60]), _marks),
        Row(
            "tanimoto",
            "an atom is another one",
            MOLECULE.format(acid),
            MOLECULE.format(acid.replace("CC", "NC", 1)),
            _smiles,
        ),
        Row("length", "four times the code", right, right + "# a comment that says nothing\n" * 24, _length),
    ]


def _smiles(shown: Shown, result: RewardResult, code: str) -> Image.Image:
    """Return the molecule as the code writes it."""
    image = shown.image
    page = Image.new("RGB", image.size, "white")
    centre = (image.width / 2, image.height / 2)
    ImageDraw.Draw(page).text(centre, code.split('Smiles("')[1].split('"')[0], "#222222", _font(25), anchor="mm")
    return page


def _length(shown: Shown, result: RewardResult, code: str) -> Image.Image:
    """Return the code from afar."""
    image = shown.image
    page = Image.new("RGB", image.size, "white")
    ImageDraw.Draw(page).multiline_text((12, 12), code, "#222222", _font(7), spacing=1)
    return page


def _ink(shown: Shown, result: RewardResult, code: str) -> Image.Image:
    """Return the image with each tile as dark as it weighs."""
    image = shown.image
    assert result.grid is not None
    _, ink = Stretched().prepare(image)
    weights = np.sqrt(ink).reshape(result.grid[::-1])
    shade = Image.fromarray((colormaps["Oranges"](weights / max(weights.max(), 1e-9))[..., :3] * 255).astype(np.uint8))
    return Image.blend(image.convert("RGB"), shade.resize(image.size, Image.Resampling.NEAREST), 0.6)


def _edges(shown: Shown, result: RewardResult, code: str) -> Image.Image:
    """Return a stroke in each cell for each direction in which edges run there, as dark as they are strong."""
    image = shown.image
    scale = _HOG_SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    columns = -(-width // _HOG_CELL)
    histograms = Hog().prepare(image).histograms
    page, zoom = Image.new("L", (3 * width, 3 * height), 255), 3 * _HOG_CELL
    draw, most = ImageDraw.Draw(page), float(histograms.max())
    for cell, strengths in enumerate(histograms):
        x, y = (cell % columns + 0.5) * zoom, (cell // columns + 0.5) * zoom
        for direction, strength in enumerate(strengths):
            if strength > 0.05 * most:
                angle = direction * math.pi / len(strengths) + math.pi / 2  # an edge runs across its gradient
                across, down = 0.45 * zoom * math.cos(angle), 0.45 * zoom * math.sin(angle)
                grey = int(255 * (1 - strength / most))
                draw.line((x - across, y - down, x + across, y + down), grey, 4)
    return page.resize(image.size, Image.Resampling.LANCZOS).convert("RGB")


def _spans(shown: Shown, result: RewardResult, code: str) -> Image.Image:
    """Return the boxes and words of the text."""
    page = _faded(shown.image)
    draw = ImageDraw.Draw(page)
    for span in shown.facts.spans:
        draw.rectangle(span.box, outline="#1f5fa8", width=2)
    return page


def _marks(shown: Shown, result: RewardResult, code: str) -> Image.Image:
    """Return the outlines of the marks."""
    page = _faded(shown.image)
    draw = ImageDraw.Draw(page)
    for mark in shown.facts.marks:
        points = [*mark.points, mark.points[0]] if mark.filled else list(mark.points)
        draw.line([(x, y) for x, y in points], "#c2410c", 3)
    return page


def _faded(image: Image.Image) -> Image.Image:
    return Image.blend(image.convert("RGB"), Image.new("RGB", image.size, "white"), 0.55)


def _draw_row(page: Image.Image, top: int, row: Row, images: list[Image.Image], result: RewardResult) -> None:
    for column, image in enumerate(images):
        left = GAP + column * (CELL[0] + GAP)
        fitted = image.convert("RGB")
        fitted.thumbnail((CELL[0] - 2, CELL[1] - 2))
        page.paste(fitted, (left + 1, top + 1))
        ImageDraw.Draw(page).rectangle((left, top, left + fitted.width + 1, top + fitted.height + 1), outline="#c8c8c8")
    draw, left = ImageDraw.Draw(page), 2 * GAP + 4 * (CELL[0] + GAP)
    draw.text((left, top + 8), row.component, "#222222", _font(32, bold=True))
    draw.text((left, top + 50), f"{result.scores[row.component]:.3f}", "#1f5fa8", _font(56, bold=True))
    draw.text((left, top + 122), row.fault, "#444444", _font(19))
    draw.text((left, top + 150), f"paper {result.scores['paper']:.3f}", "#444444", _font(19))


def _font(size: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    face = font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return ImageFont.truetype(font_manager.findfont(face), int(size))


if __name__ == "__main__":
    main()
