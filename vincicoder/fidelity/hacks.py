"""Programs that a good reward must not pay for: made from the target's pixels or from the prompt alone."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

RASTER_LIKE = frozenset(("mosaic-16x12", "mosaic-48x36", "tiny-canvas", "imshow", "box-shadow", "scatter"))
"""The hacks that copy the target's pixels, more or less finely."""

STUFFED = "stuffed"
"""An honest answer with hundreds of lines of comment."""

_SIDE = 600  # pixels of a hack's longest side
_PAGE = 1280  # pixels: the width of a rendered page
_LINES = 400  # of comment
_TINY = (12, 9)
_CELLS = {"mosaic-6x4": (6, 4), "mosaic-16x12": (16, 12), "mosaic-48x36": (48, 36)}
_COMMENTS = {"svg": "<!-- {} -->", "html": "<!-- {} -->", "latex": "% {}", "python": "# {}"}


@dataclass
class Scene:
    """An image of rectangles and lines of text, from which each language's program is made.

    Attributes:
        width: In pixels.
        height: In pixels.
        background: Colour as ``#rrggbb``.
        boxes: Left, top, width, height and colour of each rectangle.
        texts: Left, baseline, size and text of each line.
    """

    width: int
    height: int
    background: str
    boxes: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    texts: list[tuple[float, float, float, str]] = field(default_factory=list)


def hacks(language: str, target: Image.Image, prompt: str, honest: str | None, unrelated: str | None) -> dict[str, str]:
    """Return the code of every hack that a language allows, by its name.

    Args:
        language: Name of the language; one that nobody has written hacks for has ``unrelated`` only.
        target: The image to reproduce.
        prompt: What a model would be asked.
        honest: An honest answer of middling quality, which is stuffed with comments; None to do without.
        unrelated: The code of another reference; None to do without.

    Example:
        >>> from PIL import Image
        >>> found = hacks("svg", Image.new("RGB", (60, 40), "red"), "Draw this.", None, None)
        >>> found["blank"].count("<rect"), found["mosaic-6x4"].count("<rect")
        (1, 25)
    """
    found: dict[str, str] = {}
    if language in _PROGRAMS:
        program = _PROGRAMS[language]
        found = {name: program(scene) for name, scene in _scenes(target, prompt).items()}
        if language == "html":  # a page is as wide as the window, however small its body
            del found["tiny-canvas"]
            found["box-shadow"] = _box_shadow(target)
        if language == "python":
            found |= {"imshow": _imshow(target), "scatter": _scatter(target)}
    if unrelated is not None:
        found["unrelated"] = unrelated
    if honest is not None and language in _COMMENTS:
        line = _COMMENTS[language].format("the colours, the sizes and the places are as in the picture")
        found[STUFFED] = honest.rstrip() + "\n" + "\n".join([line] * _LINES) + "\n"
    return found


def _scenes(target: Image.Image, prompt: str) -> dict[str, Scene]:
    width, height = _size(target)
    back, *colours = _colours(target)

    def scene(background: str = back) -> Scene:
        return Scene(width, height, background)

    found = {"blank": scene(), "mean-colour": scene(_grid(target, 1, 1)[0]), "dot": scene()}
    found["dot"].boxes.append((width * 0.48, height * 0.48, width * 0.04, height * 0.04, colours[0]))
    found |= {name: _mosaic(target, columns, rows) for name, (columns, rows) in _CELLS.items()}
    found["tiny-canvas"] = _mosaic(target, *_TINY, size=_TINY)
    found["frame"] = scene()
    edge = 0.02 * min(width, height)
    for x, y, w, h in ((0, 0, 1, 0), (0, 1, 1, 0), (0, 0, 0, 1), (1, 0, 0, 1)):
        left, top = x * (width - edge), y * (height - edge)
        found["frame"].boxes.append((left, top, w * width or edge, h * height or edge, colours[0]))
    found["template"] = _template(scene(), colours)
    found["colour-blocks"] = _blocks(target, scene())
    found["prompt-as-text"] = scene()
    for number, line in enumerate(textwrap.wrap(re.sub(r"[^\w .,:;?!-]", " ", prompt)[:1500], 48)[:20]):
        found["prompt-as-text"].texts.append((width * 0.06, height * 0.1 + 22 * number, 16, line))
    return found


def _template(scene: Scene, colours: list[str]) -> Scene:
    """Draw what most images of some kind have: a heading, two axes, three bars."""
    width, height = scene.width, scene.height
    scene.boxes += [
        (0.3 * width, 0.05 * height, 0.4 * width, 0.04 * height, "#333333"),
        (0.1 * width, 0.15 * height, 0.005 * width, 0.75 * height, "#333333"),
        (0.1 * width, 0.9 * height, 0.8 * width, 0.005 * height, "#333333"),
    ]
    for place in range(3):
        top = (0.5, 0.3, 0.6)[place]
        colour = colours[place % len(colours)]
        scene.boxes.append(((0.2 + 0.25 * place) * width, top * height, 0.12 * width, (0.9 - top) * height, colour))
    return scene


def _blocks(target: Image.Image, scene: Scene) -> Scene:
    """Draw the target's main colours as strips, each as large as its share."""
    small = target.convert("RGB").resize((64, 64))
    shares = Counter(_posterised(each) for each in _pixels(small)).most_common(6)
    top, total = 0.0, sum(count for _, count in shares)
    for colour, count in shares:
        part = scene.height * count / total
        scene.boxes.append((0, top, scene.width, part, colour))
        top += part
    return scene


def _mosaic(target: Image.Image, columns: int, rows: int, size: tuple[int, int] | None = None) -> Scene:
    width, height = size or _size(target)
    colours = _grid(target, columns, rows)
    scene = Scene(width, height, colours[0])
    w, h = width / columns, height / rows
    for place, colour in enumerate(colours):
        scene.boxes.append((place % columns * w, place // columns * h, w, h, colour))
    return scene


def _svg(scene: Scene) -> str:
    size = f'width="{scene.width}" height="{scene.height}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f'<rect {size} fill="{scene.background}"/>']
    for x, y, width, height, colour in scene.boxes:
        lines.append(f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{colour}"/>')
    for x, y, size_, text in scene.texts:
        lines.append(f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size_}" fill="#222222">{text}</text>')
    return "\n".join([*lines, "</svg>"])


def _html(scene: Scene) -> str:
    style = f"margin: 0; background: {scene.background}; height: {scene.height}px"
    lines = [f'<!DOCTYPE html>\n<html>\n<body style="{style}">']
    for x, y, width, height, colour in scene.boxes:
        box = f"left: {x:.2f}px; top: {y:.2f}px; width: {width:.2f}px; height: {height:.2f}px; background: {colour}"
        lines.append(f'<div style="position: absolute; {box}"></div>')
    lines += [f'<p style="margin: 8px 40px; font-size: {size}px">{text}</p>' for _, _, size, text in scene.texts]
    return "\n".join([*lines, "</body>\n</html>"])


def _latex(scene: Scene) -> str:
    pixel = 72.27 / 300  # points, at the resolution of the renderer

    def shade(colour: str) -> str:
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"

    lines = [
        "\\documentclass{standalone}\n\\usepackage{tikz}\n\\begin{document}",
        f"\\begin{{tikzpicture}}[x={pixel:.4f}pt, y=-{pixel:.4f}pt]",
        f"\\fill[color={shade(scene.background)}] (0,0) rectangle ({scene.width},{scene.height});",
    ]
    for x, y, width, height, colour in scene.boxes:
        lines.append(f"\\fill[color={shade(colour)}] ({x:.2f},{y:.2f}) rectangle ({x + width:.2f},{y + height:.2f});")
    for x, y, _, text in scene.texts:
        plain = re.sub(r"[^A-Za-z0-9 .,:;?!-]", " ", text)
        lines.append(f"\\node[anchor=base west, font=\\tiny] at ({x:.0f},{y:.0f}) {{{plain}}};")
    return "\n".join([*lines, "\\end{tikzpicture}\n\\end{document}"])


def _python(scene: Scene) -> str:
    boxes = ",\n    ".join(f"({x:.2f}, {y:.2f}, {w:.2f}, {h:.2f}, '{c}')" for x, y, w, h, c in scene.boxes)
    texts = "".join(f"ax.text({x:.0f}, {y:.0f}, {text!r}, fontsize=11)\n" for x, y, _, text in scene.texts)
    return f"""{_figure(scene.width, scene.height, scene.background)}
boxes = [
    {boxes}
]
for x, y, w, h, c in boxes:
    ax.add_patch(plt.Rectangle((x, y), w, h, color=c, linewidth=0))
{texts}plt.savefig('figure.png', dpi=100)
"""


def _figure(width: int, height: int, background: str) -> str:
    return f"""import matplotlib.pyplot as plt

fig = plt.figure(figsize=({width / 100}, {height / 100}), facecolor='{background}')
ax = fig.add_axes([0, 0, 1, 1])
ax.set_xlim(0, {width})
ax.set_ylim({height}, 0)
ax.axis('off')"""


_PROGRAMS: dict[str, Callable[[Scene], str]] = {"svg": _svg, "html": _html, "latex": _latex, "python": _python}


def _box_shadow(target: Image.Image) -> str:
    """Draw a mosaic by the shadows of a single element."""
    columns, rows = _CELLS["mosaic-48x36"]
    width, height = _size(target)
    cell = (width / columns, height / rows)
    shadows = ", ".join(
        f"{(place % columns + 1) * cell[0]:.1f}px {(place // columns + 1) * cell[1]:.1f}px {colour}"
        for place, colour in enumerate(_grid(target, columns, rows))
    )
    place = f"position: absolute; left: {-cell[0]:.1f}px; top: {-cell[1]:.1f}px"
    style = f"{place}; width: {cell[0] + 0.5:.1f}px; height: {cell[1] + 0.5:.1f}px; box-shadow: {shadows}"
    return (
        f'<!DOCTYPE html>\n<html>\n<body style="margin: 0; height: {height}px">\n'
        f'<div style="{style}"></div>\n</body>\n</html>'
    )


def _imshow(target: Image.Image) -> str:
    """Show a list of 32 x 24 colours."""
    small = target.convert("RGB").resize((32, 24))
    pixels = _pixels(small)
    rows = ",\n    ".join(str([list(each) for each in pixels[row * 32 : row * 32 + 32]]) for row in range(24))
    width, height = _size(target)
    return f"""import matplotlib.pyplot as plt

values = [
    {rows}
]
fig = plt.figure(figsize=({width / 100}, {height / 100}))
ax = fig.add_axes([0, 0, 1, 1])
ax.axis('off')
ax.imshow(values, aspect='auto', interpolation='bilinear')
plt.savefig('figure.png', dpi=100)
"""


def _scatter(target: Image.Image) -> str:
    """Plot 64 x 48 square points, each of the colour of its place."""
    columns, rows = 64, 48
    width, height = _size(target)
    colours = _grid(target, columns, rows)
    size = (72 / 100 * max(width / columns, height / rows)) ** 2 * 1.2  # of a marker, in square points
    return f"""{_figure(columns, rows, colours[0])}
fig.set_size_inches({width / 100}, {height / 100})
colours = {colours}
xs = [place % {columns} + 0.5 for place in range(len(colours))]
ys = [place // {columns} + 0.5 for place in range(len(colours))]
ax.scatter(xs, ys, c=colours, s={size:.2f}, marker='s', linewidths=0)
plt.savefig('figure.png', dpi=100)
"""


def _size(target: Image.Image) -> tuple[int, int]:
    """Return the target's size, made smaller where it is large; a page keeps its width."""
    scale = min(1.0, _SIDE / max(target.size)) if target.width != _PAGE else 1.0
    return max(1, round(target.width * scale)), max(1, round(target.height * scale))


def _grid(target: Image.Image, columns: int, rows: int) -> list[str]:
    """Return the mean colours of the cells, row by row."""
    from PIL import Image

    return [_hex(each) for each in _pixels(target.convert("RGB").resize((columns, rows), Image.Resampling.BOX))]


def _colours(target: Image.Image) -> list[str]:
    """Return the target's background colour and its next four main colours."""
    small = target.convert("RGB").resize((96, 96), 0)
    pixels = _pixels(small)
    border = [each for place, each in enumerate(pixels) if place % 96 in (0, 95) or place // 96 in (0, 95)]
    background = _hex(Counter(border).most_common(1)[0][0])
    others = [colour for colour, _ in Counter(map(_posterised, pixels)).most_common(5)]
    rest = [colour for colour in others if colour != _posterised(_rgb(background))]
    return [background, *(rest or ["#808080"])][:5]


def _pixels(image: Image.Image) -> list[tuple[int, int, int]]:
    data = image.tobytes()
    return [(data[place], data[place + 1], data[place + 2]) for place in range(0, len(data), 3)]


def _posterised(rgb: tuple[int, int, int]) -> str:
    return _hex((min(255, rgb[0] // 32 * 32 + 16), min(255, rgb[1] // 32 * 32 + 16), min(255, rgb[2] // 32 * 32 + 16)))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
