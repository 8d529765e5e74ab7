"""The drawings of the miniature, their code, what is wrong with flawed code, and what an answer got right.

A scene is one or two shapes in the cells of a grid above a word. Its code has the shapes in reading order, one a line,
so that there is one right answer to an image.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from defusedxml import ElementTree
from experiments import different

SIDE, CELL = 48, 16
COLUMNS, ROWS = 3, 2
COLOURS = ("red", "gold", "green", "blue")
WORDS = ("Sum", "Rain", "Cost", "Time")
KINDS = ("circle", "square", "triangle")

DRAW = "Draw this picture as SVG code."
FIX = "This SVG code should draw this picture. Fix it."

_HEAD = f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">'
_PATH = re.compile(r"M(\d+) (\d+)h12l-6-12z")


class Shape(NamedTuple):
    """A shape in a cell.

    Attributes:
        row: Of the cell, from the top.
        column: Of the cell, from the left.
        kind: One of `KINDS`.
        colour: One of `COLOURS`.
    """

    row: int
    column: int
    kind: str
    colour: str


@dataclass(frozen=True)
class Scene:
    """What an image shows.

    Attributes:
        shapes: In reading order.
        word: The word below them.
    """

    shapes: tuple[Shape, ...]
    word: str


class Hits(NamedTuple):
    """What an answer got right, each in [0, 1]; all are 0 for an answer that is no SVG.

    Attributes:
        places: Share of the cells that hold a shape in the scene or in the answer and do so in both.
        kinds: Share of the same cells that hold the right kind of shape.
        colours: Share of the same cells that hold a shape of the right colour.
        word: Whether the word is right.
        all: Whether nothing is wrong.
    """

    places: float
    kinds: float
    colours: float
    word: float
    all: float


def scenes(count: int, seed: int, but: frozenset[Scene] = frozenset()) -> list[Scene]:
    """Return different scenes, always the same ones for a seed.

    Args:
        count: How many.
        seed: Of the choice.
        but: Scenes that are not to be among them.
    """
    return different(_scene, count, seed, but)


def _scene(rng: random.Random) -> Scene:
    cells = sorted(rng.sample(range(ROWS * COLUMNS), rng.choice((1, 2))))
    shapes = (Shape(*divmod(cell, COLUMNS), rng.choice(KINDS), rng.choice(COLOURS)) for cell in cells)
    return Scene(tuple(shapes), rng.choice(WORDS))


def code_of(scene: Scene) -> str:
    """Return the code that draws a scene.

    Example:
        >>> print(code_of(Scene((Shape(0, 1, "circle", "red"),), "Sum")))
        <svg xmlns="http://www.w3.org/2000/svg" width="48" height="48">
        <circle cx="24" cy="8" r="6" fill="red"/>
        <text x="4" y="45" font-size="14">Sum</text>
        </svg>
    """
    text = f'<text x="4" y="45" font-size="14">{scene.word}</text>'
    return "\n".join((_HEAD, *map(_line, scene.shapes), text, "</svg>"))


def _line(shape: Shape) -> str:
    x, y = CELL * shape.column + CELL // 2, CELL * shape.row + CELL // 2
    figure = {
        "circle": f'circle cx="{x}" cy="{y}" r="6"',
        "square": f'rect x="{x - 6}" y="{y - 6}" width="12" height="12"',
        "triangle": f'path d="M{x - 6} {y + 6}h12l-6-12z"',
    }[shape.kind]
    return f'<{figure} fill="{shape.colour}"/>'


def answer(code: str) -> str:
    """Return code as an answer has it, in a fenced block."""
    return f"```svg\n{code}\n```"


def flawed(scene: Scene, rng: random.Random) -> str:
    """Return code of a scene with one thing wrong: colour, kind, cell, word, a shape too few, or a torn line."""
    code, shapes = code_of(scene), list(scene.shapes)
    place = rng.randrange(len(shapes))
    old, word = shapes[place], scene.word
    free = [cell for cell in range(ROWS * COLUMNS) if all(divmod(cell, COLUMNS) != each[:2] for each in shapes)]
    flaw = rng.choice(("colour", "kind", "cell", "word", "missing", "torn"))
    if flaw == "colour":
        shapes[place] = old._replace(colour=_other(COLOURS, old.colour, rng))
    elif flaw == "kind":
        shapes[place] = old._replace(kind=_other(KINDS, old.kind, rng))
    elif flaw == "cell":
        row, column = divmod(rng.choice(free), COLUMNS)
        shapes[place] = old._replace(row=row, column=column)
    elif flaw == "word":
        word = _other(WORDS, word, rng)
    elif flaw == "missing":
        del shapes[place]
    else:
        return code.replace(rng.choice(('"/>', "</text>", "</svg>")), "", 1)
    return code_of(Scene(tuple(sorted(shapes)), word))


def _other(values: Sequence[str], value: str, rng: random.Random) -> str:
    return rng.choice([each for each in values if each != value])


def hits(code: str | None, scene: Scene) -> Hits:
    """Return what code got right of a scene.

    Args:
        code: SVG code; None if there is none.
        scene: What it should draw.

    Example:
        >>> scene = Scene((Shape(0, 1, "circle", "red"), Shape(2, 2, "square", "blue")), "Sum")
        >>> hits(code_of(scene).replace("blue", "gold"), scene)
        Hits(places=1.0, kinds=1.0, colours=0.5, word=1.0, all=0.0)
    """
    read = None if code is None else _read(code)
    if read is None:
        return Hits(0.0, 0.0, 0.0, 0.0, 0.0)
    drawn, words = read
    wanted = {shape[:2]: shape for shape in scene.shapes}
    found = {shape[:2]: shape for shape in drawn}
    cells = wanted.keys() | found.keys()
    both = wanted.keys() & found.keys()
    kinds, colours = (sum(wanted[cell][part] == found[cell][part] for cell in both) / len(cells) for part in (2, 3))
    word = float(words == [scene.word])
    right = len(both) == len(cells) == len(drawn) and kinds == colours == word == 1
    return Hits(len(both) / len(cells), kinds, colours, word, float(right))


def _read(code: str) -> tuple[list[Shape], list[str]] | None:
    """Return the shapes and words that code draws; None if it is no XML."""
    try:
        root = ElementTree.fromstring(code)
    except (ElementTree.ParseError, ValueError):
        return None
    shapes, words = [], []
    for element in root.iter():
        name = str(element.tag).rpartition("}")[2]
        if name == "text":
            words.append(element.text or "")
        elif name in ("circle", "rect", "path"):
            shapes.append(_shape(name, element.attrib))
    return shapes, words


def _shape(name: str, attributes: dict[str, str]) -> Shape:
    """Return the shape of an element; what is in no cell is in the cell (-1, -1)."""
    try:
        if name == "path":
            path = _PATH.fullmatch(attributes["d"])
            x, y = (int(path[1]) + 6, int(path[2]) - 6) if path else (-CELL, -CELL)
        elif name == "circle":
            x, y = int(attributes["cx"]), int(attributes["cy"])
        else:
            x, y = int(attributes["x"]) + 6, int(attributes["y"]) + 6
    except (KeyError, ValueError):
        x, y = -CELL, -CELL
    kind = {"circle": "circle", "rect": "square", "path": "triangle"}[name]
    exact = x % CELL == y % CELL == CELL // 2
    row, column = (y // CELL, x // CELL) if exact else (-1, -1)
    return Shape(row, column, kind, attributes.get("fill", ""))
