"""Programs that a search breeds: scenes of rectangles and lines of text, changed at random and crossed.

Nobody looks at the reference's code. What a program knows is what a model sees: the target's pixels and its text.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vincicoder.fidelity.hacks import scene_hacks, stuffed
from vincicoder.fidelity.scenes import PROGRAMS, Box, Line, Scene, colours_of, grid, mosaic, size_of

if TYPE_CHECKING:
    from PIL import Image

_CELLS = ((2, 2), (3, 3), (4, 3), (8, 6), (12, 9), (24, 18), (32, 24))  # the hacks have three more mosaics
_STUFFING = (20, 100, 400)  # lines of comment
_MOST_CHANGES = 3  # of one child
_CROSSED = 0.3  # share of children that have two parents
_STUFFED = 0.05  # share of children whose comment changes
_MOST_BOXES = 2_000
_FINENESS = 64  # cells a side, in which colours are looked up


@dataclass(frozen=True)
class Program:
    """A program of a search.

    Attributes:
        scene: What it draws.
        origin: Names of the hacks that it comes from.
        stuffing: Lines of comment behind it.
    """

    scene: Scene
    origin: frozenset[str]
    stuffing: int = 0

    def code(self, language: str) -> str:
        """Return it in a language, one of the keys of `PROGRAMS`."""
        code = PROGRAMS[language](self.scene)
        return stuffed(code, language, self.stuffing) if self.stuffing else code


class Breeder:
    """Makes programs for one target.

    Args:
        target: The image to reproduce.
        texts: Its texts, at their places in the target.
        prompt: What a model would be asked.
        rng: Random numbers.

    Example:
        >>> from PIL import Image
        >>> breeder = Breeder(Image.new("RGB", (60, 40), "red"), [], "Draw this.", random.Random(0))
        >>> child = breeder.child(breeder.first()[:2])
        >>> child.code("svg").startswith("<svg")
        True
    """

    def __init__(self, target: Image.Image, texts: Sequence[Line], prompt: str, rng: random.Random) -> None:
        self._target, self._prompt, self._rng = target, prompt, rng
        self._width, self._height = size_of(target)
        x, y = self._width / target.width, self._height / target.height
        self._texts = [Line(a * x, b * y, max(1.0, size * y), text, colour) for a, b, size, text, colour in texts]
        self._colours = colours_of(target)
        self._cells = grid(target, _FINENESS, _FINENESS)
        self._changes: tuple[Callable[[Scene], object], ...] = (
            *(self._move, self._resize, self._recolour, self._add) * 2,
            *(self._drop, self._split, self._refine, self._ground),
            *((self._add_text, self._drop_text, self._move_text) if texts else ()),
        )

    def first(self) -> list[Program]:
        """Return the programs that a search begins with: hacks, more mosaics, and all of these with the texts."""
        scenes = scene_hacks(self._target, self._prompt)
        scenes |= {f"mosaic-{a}x{b}": mosaic(self._target, a, b) for a, b in _CELLS}
        found = [Program(scene, frozenset((name,))) for name, scene in scenes.items()]
        if self._texts:
            found += [self._with_texts(each) for each in found if not each.scene.texts]
        return found

    def child(self, parents: Sequence[Program]) -> Program:
        """Return a program made of one or two of some parents, with one to three changes."""
        chosen = self._rng.choice(parents)
        scene, origin, stuffing = _copy(chosen.scene), chosen.origin, chosen.stuffing
        if self._rng.random() < _CROSSED:
            other = self._rng.choice(parents)
            scene, origin = self._crossed(scene, other.scene), origin | other.origin
        for _ in range(self._rng.randint(1, _MOST_CHANGES)):
            self._rng.choice(self._changes)(scene)
        if self._rng.random() < _STUFFED:
            stuffing = 0 if stuffing else self._rng.choice(_STUFFING)
        del scene.boxes[_MOST_BOXES:]
        return Program(scene, origin, stuffing)

    def _with_texts(self, program: Program) -> Program:
        scene = _copy(program.scene)
        x, y = scene.width / self._width, scene.height / self._height  # one hack has a small canvas
        scene.texts = [Line(a * x, b * y, size * y, text, colour) for a, b, size, text, colour in self._texts]
        return Program(scene, program.origin | {"texts"})

    def _crossed(self, first: Scene, second: Scene) -> Scene:
        """Return the first scene with the second's texts, or with its boxes in one part of the image."""
        if (first.width, first.height) != (second.width, second.height) or self._rng.random() < 0.5:
            first.texts = list(second.texts)
            return first
        edge = self._rng.uniform(0, self._width)
        first.boxes = [each for each in first.boxes if each.left < edge]
        first.boxes += [each for each in second.boxes if each.left >= edge]
        return first

    def _colour_at(self, left: float, top: float, width: float, height: float) -> str:
        """Return a main colour, or the target's colour at a random point of a rectangle."""
        if self._rng.random() < 0.3:
            return self._rng.choice(self._colours)
        x = (left + width * self._rng.random()) / self._width
        y = (top + height * self._rng.random()) / self._height
        column, row = (min(_FINENESS - 1, max(0, int(share * _FINENESS))) for share in (x, y))
        return self._cells[row * _FINENESS + column]

    def _place(self, scene: Scene) -> int | None:
        return self._rng.randrange(len(scene.boxes)) if scene.boxes else None

    def _move(self, scene: Scene) -> None:
        if (place := self._place(scene)) is not None:
            box, reach = scene.boxes[place], 0.1 * self._rng.random()
            left = box.left + self._rng.gauss(0, reach * scene.width)
            scene.boxes[place] = box._replace(left=left, top=box.top + self._rng.gauss(0, reach * scene.height))

    def _resize(self, scene: Scene) -> None:
        if (place := self._place(scene)) is not None:
            box = scene.boxes[place]
            x, y = (2 ** self._rng.gauss(0, 0.5) for _ in range(2))
            scene.boxes[place] = box._replace(width=max(1.0, box.width * x), height=max(1.0, box.height * y))

    def _recolour(self, scene: Scene) -> None:
        if (place := self._place(scene)) is not None:
            box = scene.boxes[place]
            scene.boxes[place] = box._replace(colour=self._colour_at(*box[:4]))

    def _add(self, scene: Scene) -> None:
        width, height = (side * self._rng.uniform(0.02, 0.6) for side in (scene.width, scene.height))
        left, top = self._rng.uniform(0, scene.width - width), self._rng.uniform(0, scene.height - height)
        place = self._rng.randint(0, len(scene.boxes))
        scene.boxes.insert(place, Box(left, top, width, height, self._colour_at(left, top, width, height)))

    def _drop(self, scene: Scene) -> None:
        for _ in range(self._rng.choice((1, 1, 3, 10))):
            if (place := self._place(scene)) is not None:
                del scene.boxes[place]

    def _split(self, scene: Scene) -> None:
        """Cut a box in two, each with a colour of its own."""
        if (place := self._place(scene)) is None:
            return
        left, top, width, height, _ = scene.boxes[place]
        share = self._rng.uniform(0.2, 0.8)
        halves = [(left, top, width * share, height), (left + width * share, top, width * (1 - share), height)]
        if self._rng.random() < 0.5:
            halves = [(left, top, width, height * share), (left, top + height * share, width, height * (1 - share))]
        scene.boxes[place : place + 1] = [Box(*each, self._colour_at(*each)) for each in halves]

    def _refine(self, scene: Scene) -> None:
        """Lay a small mosaic of the target over a part of the image."""
        columns, rows = self._rng.randint(2, 6), self._rng.randint(2, 6)
        width, height = (self._rng.uniform(0.1, 0.5) for _ in range(2))
        left, top = self._rng.uniform(0, 1 - width), self._rng.uniform(0, 1 - height)
        high, wide = self._target.height, self._target.width
        part = self._target.crop(
            (int(left * wide), int(top * high), int((left + width) * wide) + 1, int((top + height) * high) + 1)
        )
        fine = mosaic(part, columns, rows, (1, 1))
        for box in fine.boxes:
            x, y = (left + box.left * width) * scene.width, (top + box.top * height) * scene.height
            sides = box.width * width * scene.width, box.height * height * scene.height
            scene.boxes.append(Box(x, y, *sides, box.colour))

    def _ground(self, scene: Scene) -> None:
        scene.background = self._rng.choice(self._colours)

    def _add_text(self, scene: Scene) -> None:
        scene.texts.append(self._rng.choice(self._texts))

    def _drop_text(self, scene: Scene) -> None:
        if scene.texts:
            del scene.texts[self._rng.randrange(len(scene.texts))]

    def _move_text(self, scene: Scene) -> None:
        if scene.texts:
            place = self._rng.randrange(len(scene.texts))
            line = scene.texts[place]
            left = line.left + self._rng.gauss(0, 0.02 * scene.width)
            baseline, size = line.baseline + self._rng.gauss(0, 0.02 * scene.height), 2 ** self._rng.gauss(0, 0.2)
            scene.texts[place] = line._replace(left=left, baseline=baseline, size=max(1.0, line.size * size))


def _copy(scene: Scene) -> Scene:
    return dataclasses.replace(scene, boxes=list(scene.boxes), texts=list(scene.texts))
