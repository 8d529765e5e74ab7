"""Scenes of 3 to 6 shapes, the words that draw them, and what an answer got right.

A scene has shapes in cells of a grid, at most one in each. An answer is words, put together without anything between
them: an opening, a place, a colour and a kind for each shape, and a closing. It may have shapes in any order, in the
same cell, or none at all.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from experiments import different
from PIL import Image

DRAW = "Draw this picture as SVG code."
AGAIN = "On the right is what your SVG code draws. Write it again, corrected."

CELL, GRID = 16, 3
SIDE = CELL * GRID
OPENING = f'```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">\n'
PLACES = tuple(
    f'<path transform="translate({CELL * column + CELL // 2} {CELL * row + CELL // 2})" '
    for row in range(GRID)
    for column in range(GRID)
)
COLOURS = tuple(f'fill="{colour}" ' for colour in ("red", "gold", "green", "blue"))
KINDS = tuple(
    f'd="{path}"/>\n' for path in ("M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0", "M-7-2h14v4h-14z", "M-7 7h14l-7-14z")
)
CLOSING = "</svg>\n```"

FEWEST, MOST = 3, 6
LONGEST = 3 * len(PLACES) + 3
"""Words of an answer, at most, with its end: it may have two shapes more than any scene."""


class Shape(NamedTuple):
    """A shape: numbers of a place, a colour and a kind."""

    place: int
    colour: int
    kind: int


Scene = tuple[Shape, ...]
"""In reading order."""


class Hits(NamedTuple):
    """What an answer got right: shares of the cells that hold a shape in the scene or in the answer.

    Attributes:
        places: They hold one in both.
        colours: They hold one of the right colour.
        kinds: They hold one of the right kind.
        shapes: They hold the right shape.
        all: Whether nothing is wrong, 0 or 1.
    """

    places: float
    colours: float
    kinds: float
    shapes: float
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
    places = sorted(rng.sample(range(len(PLACES)), rng.randint(FEWEST, MOST)))
    return tuple(Shape(place, *_look(rng)) for place in places)


def _look(rng: random.Random) -> tuple[int, int]:
    return rng.randrange(len(COLOURS)), rng.randrange(len(KINDS))


def draft(scene: Scene, rng: random.Random) -> Scene:
    """Return a scene with flaws: four shapes in ten have a look by chance, and one in ten is missing."""
    shapes = []
    for shape in scene:
        luck = rng.random()
        if luck < 0.1:
            continue
        look = _look(rng) if luck < 0.5 else shape[1:]
        shapes.append(Shape(shape.place, *look))
    return tuple(shapes)


def answer(scene: Sequence[Shape]) -> str:
    """Return a response that draws shapes in the order in which they are given."""
    shapes = (PLACES[each.place] + COLOURS[each.colour] + KINDS[each.kind] for each in scene)
    return "".join((OPENING, *shapes, CLOSING))


def drawn(response: str) -> dict[int, Shape] | None:
    """Return the shape that each cell holds, the last one that was put there; None for a response without an end.

    Example:
        >>> drawn(answer([Shape(0, 1, 1), Shape(0, 2, 1)]))
        {0: Shape(place=0, colour=2, kind=1)}
    """
    if not (response.startswith(OPENING) and response.endswith(CLOSING)):
        return None
    found = {}
    for line in response[len(OPENING) : -len(CLOSING)].splitlines(keepends=True):
        place = next(word for word in PLACES if line.startswith(word))
        colour = next(word for word in COLOURS if line.startswith(place + word))
        kind = line.removeprefix(place + colour)
        shape = Shape(PLACES.index(place), COLOURS.index(colour), KINDS.index(kind))
        found[shape.place] = shape
    return found


def hits(response: str, scene: Scene) -> Hits:
    """Return what a response got right of a scene; nothing if it has no end.

    Example:
        >>> scene = (Shape(0, 1, 1), Shape(4, 2, 0))
        >>> hits(answer([Shape(0, 1, 1), Shape(4, 2, 1)]), scene)
        Hits(places=1.0, colours=1.0, kinds=0.5, shapes=0.5, all=0.0)
    """
    found = drawn(response)
    if found is None:
        return Hits(0.0, 0.0, 0.0, 0.0, 0.0)
    wanted = {shape.place: shape for shape in scene}
    cells = wanted.keys() | found.keys()
    both = [(wanted[cell], found[cell]) for cell in wanted.keys() & found.keys()]
    right = (
        len(both),
        sum(want.colour == got.colour for want, got in both),
        sum(want.kind == got.kind for want, got in both),
        sum(want == got for want, got in both),
    )
    return Hits(*(each / len(cells) for each in right), float(right[-1] == len(cells)))


def seen(target: Image.Image, render: Image.Image | None = None) -> Image.Image:
    """Return what a policy sees: the target, and on its right its render or nothing; the rest is white."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), "white")
    for place, half in enumerate((target, render)):
        if half is not None:
            image.paste(half.convert("RGB").resize((SIDE, SIDE)), (place * SIDE, 0))
    return image


def vocabulary(others: Sequence[str]) -> dict[str, int]:
    """Number the words, those of answers after the others."""
    return {word: number for number, word in enumerate([*others, OPENING, *PLACES, *COLOURS, *KINDS, CLOSING])}
