"""Programs that a good reward must not pay for: made from the target's pixels or from the prompt alone."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from vincicoder.fidelity.scenes import (
    COMMENTS,
    PROGRAMS,
    Box,
    Line,
    Scene,
    colours_of,
    figure,
    grid,
    mosaic,
    pixels_of,
    posterised,
    size_of,
)

if TYPE_CHECKING:
    from PIL import Image

RASTER_LIKE = frozenset(("mosaic-16x12", "mosaic-48x36", "tiny-canvas", "imshow", "box-shadow", "scatter"))
"""The hacks that copy the target's pixels, more or less finely."""

STUFFED = "stuffed"
"""An honest answer with hundreds of lines of comment."""

_LINES = 400  # of comment
_TINY = (12, 9)
_CELLS = {"mosaic-6x4": (6, 4), "mosaic-16x12": (16, 12), "mosaic-48x36": (48, 36)}


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
    if language in PROGRAMS:
        program = PROGRAMS[language]
        found = {name: program(scene) for name, scene in scene_hacks(target, prompt).items()}
        if language == "html":  # a page is as wide as the window, however small its body
            del found["tiny-canvas"]
            found["box-shadow"] = _box_shadow(target)
        if language == "python":
            found |= {"imshow": _imshow(target), "scatter": _scatter(target)}
    if unrelated is not None:
        found["unrelated"] = unrelated
    if honest is not None and language in COMMENTS:
        found[STUFFED] = stuffed(honest, language, _LINES)
    return found


def stuffed(code: str, language: str, lines: int) -> str:
    """Return code with lines of comment behind it.

    Example:
        >>> stuffed("<svg></svg>", "svg", 1).splitlines()[1][:22]
        '<!-- the colours, the '
    """
    line = COMMENTS[language].format("the colours, the sizes and the places are as in the picture")
    return code.rstrip() + "\n" + "\n".join([line] * lines) + "\n"


def scene_hacks(target: Image.Image, prompt: str) -> dict[str, Scene]:
    """Return the hacks that any language can draw, by their names."""
    width, height = size_of(target)
    back, *colours = colours_of(target)

    def scene(background: str = back) -> Scene:
        return Scene(width, height, background)

    found = {"blank": scene(), "mean-colour": scene(grid(target, 1, 1)[0]), "dot": scene()}
    found["dot"].boxes.append(Box(width * 0.48, height * 0.48, width * 0.04, height * 0.04, colours[0]))
    found |= {name: mosaic(target, columns, rows) for name, (columns, rows) in _CELLS.items()}
    found["tiny-canvas"] = mosaic(target, *_TINY, size=_TINY)
    found["frame"] = scene()
    edge = 0.02 * min(width, height)
    for x, y, w, h in ((0, 0, 1, 0), (0, 1, 1, 0), (0, 0, 0, 1), (1, 0, 0, 1)):
        left, top = x * (width - edge), y * (height - edge)
        found["frame"].boxes.append(Box(left, top, w * width or edge, h * height or edge, colours[0]))
    found["template"] = _template(scene(), colours)
    found["colour-blocks"] = _blocks(target, scene())
    found["prompt-as-text"] = scene()
    for number, line in enumerate(textwrap.wrap(re.sub(r"[^\w .,:;?!-]", " ", prompt)[:1500], 48)[:20]):
        found["prompt-as-text"].texts.append(Line(width * 0.06, height * 0.1 + 22 * number, 16, line))
    return found


def _template(scene: Scene, colours: list[str]) -> Scene:
    """Draw what most images of some kind have: a heading, two axes, three bars."""
    width, height = scene.width, scene.height
    scene.boxes += [
        Box(0.3 * width, 0.05 * height, 0.4 * width, 0.04 * height, "#333333"),
        Box(0.1 * width, 0.15 * height, 0.005 * width, 0.75 * height, "#333333"),
        Box(0.1 * width, 0.9 * height, 0.8 * width, 0.005 * height, "#333333"),
    ]
    for place in range(3):
        top = (0.5, 0.3, 0.6)[place]
        colour = colours[place % len(colours)]
        scene.boxes.append(Box((0.2 + 0.25 * place) * width, top * height, 0.12 * width, (0.9 - top) * height, colour))
    return scene


def _blocks(target: Image.Image, scene: Scene) -> Scene:
    """Draw the target's main colours as strips, each as large as its share."""
    small = target.convert("RGB").resize((64, 64))
    shares = Counter(posterised(each) for each in pixels_of(small)).most_common(6)
    top, total = 0.0, sum(count for _, count in shares)
    for colour, count in shares:
        part = scene.height * count / total
        scene.boxes.append(Box(0, top, scene.width, part, colour))
        top += part
    return scene


def _box_shadow(target: Image.Image) -> str:
    """Draw a mosaic by the shadows of a single element."""
    columns, rows = _CELLS["mosaic-48x36"]
    width, height = size_of(target)
    cell = (width / columns, height / rows)
    shadows = ", ".join(
        f"{(place % columns + 1) * cell[0]:.1f}px {(place // columns + 1) * cell[1]:.1f}px {colour}"
        for place, colour in enumerate(grid(target, columns, rows))
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
    pixels = pixels_of(small)
    rows = ",\n    ".join(str([list(each) for each in pixels[row * 32 : row * 32 + 32]]) for row in range(24))
    width, height = size_of(target)
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
    width, height = size_of(target)
    colours = grid(target, columns, rows)
    size = (72 / 100 * max(width / columns, height / rows)) ** 2 * 1.2  # of a marker, in square points
    return f"""{figure(columns, rows, colours[0])}
fig.set_size_inches({width / 100}, {height / 100})
colours = {colours}
xs = [place % {columns} + 0.5 for place in range(len(colours))]
ys = [place // {columns} + 0.5 for place in range(len(colours))]
ax.scatter(xs, ys, c=colours, s={size:.2f}, marker='s', linewidths=0)
plt.savefig('figure.png', dpi=100)
"""
