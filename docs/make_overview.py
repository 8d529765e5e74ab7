"""Makes ``docs/overview.png``, the image under the README's title: ``python docs/make_overview.py``.

A row for each domain: the target, the render of a response that is slightly wrong, how alike their tiles are, and what
the response earned. Scored with the encoder ``embedded``; needs the renderers, no GPU and no weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps, font_manager
from PIL import Image, ImageDraw, ImageFont

from vincicoder import RewardRequest, RewardResult, VisualReward

SAMPLES = Path(__file__).resolve().parents[1] / "examples" / "samples"
SHOWN = (
    ("chart → Python", "chart/energy-stackplot", "python", "slight"),
    ("web page → HTML", "web/pricing-page", "html", "slight"),
    ("icon → SVG", "svg/rocket", "svg", "slight"),
    ("figure → LaTeX", "latex/venn-snippet", "latex", "slight"),
    ("molecule → RDKit", "molecule/{first}", "python", "slight"),
)
CELL, GAP, HEAD, TEXT = (330, 216), 12, 64, 350
LOWEST = 0.85  # similarity that the darkest colour of the heat map stands for


def main() -> None:
    """Score the responses and draw the image."""
    rows = [_row(*each) for each in SHOWN]
    with VisualReward("embedded") as reward:
        results = reward.score([request for _, request in rows])
    width = 3 * CELL[0] + TEXT + 5 * GAP
    page = Image.new("RGB", (width, HEAD + len(rows) * (CELL[1] + GAP) + GAP), "white")
    draw = ImageDraw.Draw(page)
    for column, title in enumerate(("target", "render", "tiles", "reward")):
        draw.text((GAP + column * (CELL[0] + GAP), 14), title, "#222222", _font(34, bold=True))
    for number, ((title, request), result) in enumerate(zip(rows, results, strict=True)):
        _draw_row(page, HEAD + number * (CELL[1] + GAP), title, Image.open(request.target).convert("RGB"), result)
    path = Path(__file__).with_name("overview.png")
    page.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {page.width} x {page.height}")


def _row(title: str, sample: str, language: str, kind: str) -> tuple[str, RewardRequest]:
    if sample.endswith("{first}"):
        sample = str(sorted((SAMPLES / sample).parent.iterdir())[0].relative_to(SAMPLES))
    response = (SAMPLES / sample / "responses" / f"{kind}.md").read_text(encoding="utf-8")
    return title, RewardRequest(response, str(SAMPLES / sample / "target.png"), language=language)


def _draw_row(page: Image.Image, top: int, title: str, target: Image.Image, result: RewardResult) -> None:
    assert result.render is not None, result.message
    for column, image in enumerate((target, result.render, _heat_map(target, result))):
        left = GAP + column * (CELL[0] + GAP)
        fitted = image.copy()
        fitted.thumbnail((CELL[0] - 2, CELL[1] - 2))
        place = (left + (CELL[0] - fitted.width) // 2, top + (CELL[1] - fitted.height) // 2)
        page.paste(fitted, place)
        frame = (place[0] - 1, place[1] - 1, place[0] + fitted.width, place[1] + fitted.height)
        ImageDraw.Draw(page).rectangle(frame, outline="#c8c8c8")
    draw, left = ImageDraw.Draw(page), 2 * GAP + 3 * (CELL[0] + GAP)
    draw.text((left, top + 8), title, "#222222", _font(34, bold=True))
    draw.text((left, top + 48), f"{result.overall:.3f}", "#1f5fa8", _font(72, bold=True))
    for line, name in enumerate(("coarse", "fine")):
        draw.text((left, top + 134 + 36 * line), f"{name} {getattr(result, name):.3f}", "#444444", _font(30))


def _heat_map(target: Image.Image, result: RewardResult) -> Image.Image:
    """Return the render with each tile tinted by its similarity, dark where it is low."""
    assert result.grid is not None and result.render is not None
    columns, rows = result.grid
    scale = (np.array(result.tiles).reshape(rows, columns) - LOWEST) / (1 - LOWEST)
    tint = Image.fromarray((colormaps["RdYlGn"](scale.clip(0, 1))[..., :3] * 255).astype(np.uint8))
    tint = tint.resize(target.size, Image.Resampling.NEAREST)
    mixed = Image.blend(result.render.resize(target.size).convert("RGB"), tint, 0.45)
    draw = ImageDraw.Draw(mixed)
    font = _font(max(14, min(target.size[0] // columns, target.size[1] // rows) // 5), bold=True)
    for number, value in enumerate(result.tiles):
        centre = ((number % columns + 0.5) / columns, (number // columns + 0.5) / rows)
        place = (centre[0] * target.width, centre[1] * target.height)
        draw.text(place, f"{value:.2f}", "black", font, anchor="mm", stroke_width=font.size // 9, stroke_fill="white")
    return mixed


def _font(size: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    face = font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return ImageFont.truetype(font_manager.findfont(face), int(size))


if __name__ == "__main__":
    main()
