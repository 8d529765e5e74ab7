"""Images of rectangles and lines of text, and the program that draws one in each language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

_SIDE = 600  # pixels of a scene's longest side
_DARK = "#222222"
_PAGE = 1280  # pixels: the width of a rendered page


class Box(NamedTuple):
    """A rectangle: left, top, width and height in pixels, and a colour as ``#rrggbb``."""

    left: float
    top: float
    width: float
    height: float
    colour: str


class Line(NamedTuple):
    """A line of text.

    Attributes:
        left: In pixels.
        baseline: In pixels.
        size: Of the letters, in pixels.
        text: The text.
        colour: As ``#rrggbb``; None for text in the language's own colour and size, which a page shows line by line.
    """

    left: float
    baseline: float
    size: float
    text: str
    colour: str | None = None


@dataclass
class Scene:
    """An image of rectangles and lines of text, from which each language's program is made.

    Attributes:
        width: In pixels.
        height: In pixels.
        background: Colour as ``#rrggbb``.
        boxes: The rectangles, the lowest first.
        texts: The lines of text, above the rectangles.
    """

    width: int
    height: int
    background: str
    boxes: list[Box] = field(default_factory=list)
    texts: list[Line] = field(default_factory=list)


def _svg(scene: Scene) -> str:
    size = f'width="{scene.width}" height="{scene.height}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f'<rect {size} fill="{scene.background}"/>']
    for x, y, width, height, colour in scene.boxes:
        lines.append(f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{colour}"/>')
    for x, y, size_, text, shade in scene.texts:
        look = f'font-size="{size_:g}" fill="{shade or _DARK}"'
        lines.append(f'<text x="{x:.0f}" y="{y:.0f}" {look}>{escape(text)}</text>')
    return "\n".join([*lines, "</svg>"])


def _html(scene: Scene) -> str:
    style = f"margin: 0; background: {scene.background}; height: {scene.height}px"
    lines = [f'<!DOCTYPE html>\n<html>\n<body style="{style}">']
    for x, y, width, height, colour in scene.boxes:
        box = f"left: {x:.2f}px; top: {y:.2f}px; width: {width:.2f}px; height: {height:.2f}px; background: {colour}"
        lines.append(f'<div style="position: absolute; {box}"></div>')
    for x, y, size, text, shade in scene.texts:
        place = "margin: 8px 40px"
        if shade is not None:
            place = f"position: absolute; margin: 0; left: {x:.0f}px; top: {y - size:.0f}px; white-space: pre; "
            place += f"line-height: 1.2; color: {shade}"
        lines.append(f'<p style="{place}; font-size: {size:g}px">{escape(text)}</p>')
    return "\n".join([*lines, "</body>\n</html>"])


def _latex(scene: Scene) -> str:
    pixel = 72.27 / 300  # points, at the resolution of the renderer

    def mixed(colour: str) -> str:
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"

    lines = [
        "\\documentclass{standalone}\n\\usepackage{tikz}\n\\begin{document}",
        f"\\begin{{tikzpicture}}[x={pixel:.4f}pt, y=-{pixel:.4f}pt]",
        f"\\fill[color={mixed(scene.background)}] (0,0) rectangle ({scene.width},{scene.height});",
    ]
    for x, y, width, height, colour in scene.boxes:
        lines.append(f"\\fill[color={mixed(colour)}] ({x:.2f},{y:.2f}) rectangle ({x + width:.2f},{y + height:.2f});")
    for x, y, size, text, shade in scene.texts:
        plain = re.sub(r"[^A-Za-z0-9 .,:;?!-]", " ", text)
        look = "font=\\tiny"
        if shade is not None:
            points = f"{{{size * pixel:.1f}}}"
            look = f"font=\\fontsize{points}{points}\\selectfont, inner sep=0, text={mixed(shade)}"
        lines.append(f"\\node[anchor=base west, {look}] at ({x:.0f},{y:.0f}) {{{plain}}};")
    return "\n".join([*lines, "\\end{tikzpicture}\n\\end{document}"])


def _python(scene: Scene) -> str:
    boxes = ",\n    ".join(f"({x:.2f}, {y:.2f}, {w:.2f}, {h:.2f}, '{c}')" for x, y, w, h, c in scene.boxes)
    texts = ""
    for x, y, size, text, colour in scene.texts:
        look = f"fontsize={0.7 * size:.0f}" + (f", color={colour!r}" if colour else "")
        plain = text.replace("$", "\\$")  # no formula
        texts += f"ax.text({x:.0f}, {y:.0f}, {plain!r}, {look})\n"
    return f"""{figure(scene.width, scene.height, scene.background)}
boxes = [
    {boxes}
]
for x, y, w, h, c in boxes:
    ax.add_patch(plt.Rectangle((x, y), w, h, color=c, linewidth=0))
{texts}plt.savefig('figure.png', dpi=100)
"""


def figure(width: int, height: int, background: str) -> str:
    """Return the Python that begins an empty figure of a size in pixels, with axes that fill it and count pixels."""
    return f"""import matplotlib.pyplot as plt

fig = plt.figure(figsize=({width / 100}, {height / 100}), facecolor='{background}')
ax = fig.add_axes([0, 0, 1, 1])
ax.set_xlim(0, {width})
ax.set_ylim({height}, 0)
ax.axis('off')"""


PROGRAMS: dict[str, Callable[[Scene], str]] = {"svg": _svg, "html": _html, "latex": _latex, "python": _python}
"""What writes a scene as a program, by the name of its language."""

COMMENTS = {"svg": "<!-- {} -->", "html": "<!-- {} -->", "latex": "% {}", "python": "# {}"}
"""A line of comment in each language."""


def mosaic(target: Image.Image, columns: int, rows: int, size: tuple[int, int] | None = None) -> Scene:
    """Return the scene of an image's cells in their mean colours.

    Args:
        target: The image.
        columns: Cells in a row.
        rows: Rows of cells.
        size: Of the scene in pixels; None for the image's.

    Example:
        >>> from PIL import Image
        >>> [each.colour for each in mosaic(Image.new("RGB", (60, 40), "red"), 2, 1).boxes]
        ['#ff0000', '#ff0000']
    """
    width, height = size or size_of(target)
    colours = grid(target, columns, rows)
    scene = Scene(width, height, colours[0])
    w, h = width / columns, height / rows
    for place, colour in enumerate(colours):
        scene.boxes.append(Box(place % columns * w, place // columns * h, w, h, colour))
    return scene


def size_of(target: Image.Image) -> tuple[int, int]:
    """Return the target's size, made smaller where it is large; a page keeps its width."""
    scale = min(1.0, _SIDE / max(target.size)) if target.width != _PAGE else 1.0
    return max(1, round(target.width * scale)), max(1, round(target.height * scale))


def grid(target: Image.Image, columns: int, rows: int) -> list[str]:
    """Return the mean colours of the cells, row by row."""
    from PIL import Image

    return [_hex(each) for each in pixels_of(target.convert("RGB").resize((columns, rows), Image.Resampling.BOX))]


def colours_of(target: Image.Image) -> list[str]:
    """Return the target's background colour and its next four main colours."""
    small = target.convert("RGB").resize((96, 96), 0)
    pixels = pixels_of(small)
    border = [each for place, each in enumerate(pixels) if place % 96 in (0, 95) or place // 96 in (0, 95)]
    background = _hex(Counter(border).most_common(1)[0][0])
    others = [colour for colour, _ in Counter(map(posterised, pixels)).most_common(5)]
    rest = [colour for colour in others if colour != posterised(_rgb(background))]
    return [background, *(rest or ["#808080"])][:5]


def pixels_of(image: Image.Image) -> list[tuple[int, int, int]]:
    """Return the pixels of an RGB image, row by row."""
    data = image.tobytes()
    return [(data[place], data[place + 1], data[place + 2]) for place in range(0, len(data), 3)]


def posterised(rgb: tuple[int, int, int]) -> str:
    """Return the nearest of 8 x 8 x 8 colours, as ``#rrggbb``."""
    return _hex((min(255, rgb[0] // 32 * 32 + 16), min(255, rgb[1] // 32 * 32 + 16), min(255, rgb[2] // 32 * 32 + 16)))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
