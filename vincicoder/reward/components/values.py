"""Whether the shapes of the target are there, in their places and sizes: bars, lines, points and wedges are data."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops

from vincicoder.rendering.facts import Facts
from vincicoder.similarity import blank_page
from vincicoder.similarity.matching import best_matches
from vincicoder.similarity.outlines import PROFILE, Areas, Floats, Lines, shapes_of

_Size = tuple[int, int]

_REACHES = (0.01, 0.04, 0.12)
"""Distances, as shares of the image, at which a match counts 1 / e: for small errors, larger ones and gross ones."""
_FARTHEST = 3 * max(_REACHES)
_MOVED = 0.25
"""Distance, as a share of the image, over which all shapes are moved together at which a match counts 1 / e."""
_SAME_COLOUR = 120.0
"""Distance of colours at which a match counts 1 / e."""
_OTHER_COLOUR = 0.3
"""What is left of a match of quite another colour."""
_ANYWHERE = 0.7
"""What is left of a match where an area that is the only one of its series is somewhere else."""
_OTHER_SIZE = 0.4
"""Difference of the logarithms of widths or heights at which a match somewhere else counts 1 / e."""
_OTHER_OUTLINE = 0.15
"""Distance of outlines, as a share of the height, at which a match somewhere else counts 1 / e."""
_SERIES = 40.0
"""Distance of colours below which shapes are of one series."""
_MOST_CORNERS = 30
"""Corners from which a line counts no more."""
_MOST_SEGMENTS = 2_000
_HARDLY = 4.0  # from here on, exp(-x) is not worth it to compare outlines
_NEARLY = 0.98  # from here on it is not worth it to look at all pixels
_VISIBLE = 24
"""Largest difference of two pixels, in any channel from 0 to 255, that nobody sees."""
_STRAY = 0.005
"""Pixels that differ, as a share of the target's ink, at which an image counts 1 / e of the target itself."""


class Shapes(NamedTuple):
    """The shapes of an image with what each counts.

    Attributes:
        areas: Its areas.
        lines: Its lines.
        area_weights: Shape ``[areas]``.
        line_weights: Shape ``[lines]``.
    """

    areas: Areas
    lines: Lines
    area_weights: Floats
    line_weights: Floats

    def frame(self) -> Floats:
        """Return the left, top, right and bottom edge of all shapes that are shown."""
        corners = [self.areas.boxes[:, :2], self.areas.boxes[:, 2:], self.lines.corners.reshape(-1, 2)]
        shown = [self.areas.shown, self.areas.shown, np.repeat(self.lines.shown, self.lines.corners.shape[1])]
        points = np.concatenate(corners)[np.concatenate(shown) > 0]
        return np.concatenate([points.min(axis=0), points.max(axis=0)])

    def moved(self, frame: Floats, to: Floats) -> Shapes:
        """Return the same shapes, moved and stretched as it takes a frame to another one."""
        factor = (to[2:] - to[:2]) / (frame[2:] - frame[:2])
        offset = to[:2] - frame[:2] * factor
        areas = self.areas._replace(
            boxes=self.areas.boxes * np.tile(factor, 2) + np.tile(offset, 2),
            edges=self.areas.edges * factor[1] + offset[1],
        )
        lines = self.lines._replace(
            points=self.lines.points * factor + offset, corners=self.lines.corners * factor + offset
        )
        return self._replace(areas=areas, lines=lines)

    @property
    def total(self) -> float:
        """What all of them count, as far as they are shown."""
        return float(self.area_weights @ self.areas.shown + self.line_weights @ self.lines.shown)


class Values:
    """Compare shapes that the renderer knows of with the reference's: a soft F1.

    Each area is matched with at most one of the other side, by its box and its upper and lower edge; the same one
    somewhere else is worth less, and the less the more there are of it. Each line counts by how far points along it are
    from lines of the other side. Colours must be alike. Shapes of one colour are a series, which counts by the square
    root of their number. Shapes that are all moved or stretched together are moved back first, at a price. A shape
    counts only as far as the pixels bear it out: those of the target for the reference's. Other shapes that give the
    target's pixels are as good: a ring is a thick line, or a disc on another one.

    Example:
        >>> page = Image.new("RGB", (200, 100), "white")
        >>> bars = [(20, 40, 50, 90), (60, 20, 90, 90), (100, 60, 130, 90)]
        >>> for box in bars:
        ...     page.paste("navy", box)
        >>> from vincicoder.rendering.facts import Mark
        >>> facts = Facts(marks=tuple(Mark(((a, b), (c, b), (c, d), (a, d)), True) for a, b, c, d in bars))
        >>> values = Values()
        >>> values(page, page, facts, page.size, values.prepare(page, facts, page.size))
        1.0
    """

    def applies(self, prepared: Shapes | None) -> bool:
        """Apply only where the target shows one of the shapes that the reference draws."""
        return prepared is not None and float(prepared.areas.shown.sum() + prepared.lines.shown.sum()) >= 1

    def prepare(
        self, target: Image.Image, reference_facts: Facts | None, reference_size: _Size | None
    ) -> Shapes | None:
        """Return the reference's shapes, as far as the target shows them; None where it has none."""
        if reference_facts is None or reference_size is None or not reference_facts.marks:
            return None
        return _values(reference_facts, reference_size, target)

    def __call__(
        self, target: Image.Image, render: Image.Image, facts: Facts | None, render_size: _Size, prepared: Shapes
    ) -> float:
        """Return the soft F1, in [0, 1]; 0 where the render has no shapes."""
        found = _values(facts or Facts(), render_size, render)
        if not prepared.total or not found.total:
            return 0.0
        frame, wanted = found.frame(), prepared.frame()
        apart = float(np.abs(frame - wanted).max())
        score = soft_f1(prepared, found)
        if apart > 0 and (frame[2:] - frame[:2] > 0).all():
            moved = soft_f1(prepared, found.moved(frame, wanted))
            score = max(score, moved * math.exp(-((apart / _MOVED) ** 2)))
        return score if score > _NEARLY else max(score, _same_pixels(target, render))


def soft_f1(known: Shapes, found: Shapes) -> float:
    """Return the soft F1 of two images' shapes, in [0, 1]; 0 where one of them shows none."""
    worth = _area_worth(known.areas, found.areas, np.sqrt(known.area_weights))
    rows, columns = best_matches(worth)
    matched = worth[rows, columns]
    recalled = known.area_weights[rows] @ matched + known.line_weights @ _line_worth(known.lines, found.lines)
    right = found.area_weights[columns] @ matched + found.line_weights @ _line_worth(found.lines, known.lines)
    recall, precision = float(recalled) / known.total, float(right) / found.total
    return min(1.0, 2 * recall * precision / (recall + precision)) if recall and precision else 0.0


def _same_pixels(target: Image.Image, render: Image.Image) -> float:
    """Return 1 for images that nobody can tell apart, and next to nothing for any others."""
    stray, ink = _differing(target, render), _differing(target, blank_page(target))
    return math.exp(-((stray / (_STRAY * max(ink, 1))) ** 2))


def _differing(image: Image.Image, other: Image.Image) -> int:
    """Return how many pixels differ visibly."""
    red, green, blue = ImageChops.difference(image, other).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return sum(largest.histogram()[_VISIBLE + 1 :])


def _values(facts: Facts, size: _Size, image: Image.Image) -> Shapes:
    areas, lines = shapes_of(facts.marks, size, image)
    line_weights = np.sqrt(np.minimum(lines.counts, _MOST_CORNERS)) * _of_series(lines.colours)
    return Shapes(areas, lines, _of_series(areas.colours), line_weights)


def _of_series(colours: Floats) -> Floats:
    """Return what each shape counts for the number of those of its colour."""
    apart = np.linalg.norm(colours[:, None] - colours, axis=2)
    weights: Floats = 1 / np.sqrt((apart < _SERIES).sum(axis=1))
    return weights


def _near(apart: Floats) -> Floats:
    """Return what a distance leaves of a match."""
    near: Floats = np.mean([np.exp(-((apart / reach) ** 2)) for reach in _REACHES], axis=0)
    return near


def _alike(colours: Floats, others: Floats) -> Floats:
    """Return what the distance of colours leaves of a match, shape ``[colours, others]``."""
    apart = np.linalg.norm(colours[:, None] - others, axis=2)
    alike: Floats = _OTHER_COLOUR + (1 - _OTHER_COLOUR) * np.exp(-((apart / _SAME_COLOUR) ** 2))
    return alike


def _area_worth(known: Areas, found: Areas, alone: Floats) -> Floats:
    """Return what each pair of areas is worth, shape ``[known, found]``.

    Args:
        known: The reference's areas.
        found: The render's areas.
        alone: How far each of the reference's stands alone, in [0, 1]: for one of many, such as a point of a scatter
            plot, its place is all that it says.
    """
    worth = np.zeros((len(known.shown), len(found.shown)))
    apart = np.abs(known.boxes[:, None] - found.boxes).max(axis=2)
    rows, columns = np.nonzero(apart < _FARTHEST)
    if len(rows):
        edges = _apart(known.edges[rows], found.edges[columns])
        alike = _alike(known.colours, found.colours)[rows, columns]
        worth[rows, columns] = _near(np.maximum(apart[rows, columns], edges)) * alike
    worth = np.maximum(worth, _worth_anywhere(known, found) * alone[:, None])
    return worth * np.minimum(known.shown[:, None], found.shown)


def _worth_anywhere(known: Areas, found: Areas) -> Floats:
    """Return what each pair of areas is worth wherever they are, shape ``[known, found]``."""
    worth = np.zeros((len(known.shown), len(found.shown)))
    sides, others = (np.log(np.maximum(each.boxes[:, 2:] - each.boxes[:, :2], 1e-4)) for each in (known, found))
    sizes = np.abs(sides[:, None] - others).max(axis=2)
    colours = np.linalg.norm(known.colours[:, None] - found.colours, axis=2)
    differing = (sizes / _OTHER_SIZE) ** 2 + (colours / _SAME_COLOUR) ** 2
    rows, columns = np.nonzero(differing < _HARDLY)
    if len(rows):
        outlines = _apart(_outlines(known)[rows], _outlines(found)[columns])
        differing = differing[rows, columns] + (outlines / _OTHER_OUTLINE) ** 2
        worth[rows, columns] = _ANYWHERE * np.exp(-differing)
    return worth


def _outlines(areas: Areas) -> Floats:
    """Return the edges of areas from their tops on, as shares of their heights."""
    top, height = areas.boxes[:, 1], areas.boxes[:, 3] - areas.boxes[:, 1]
    edges: Floats = (areas.edges - top[:, None]) / np.maximum(height, 1e-6)[:, None]
    return edges


def _apart(edges: Floats, others: Floats) -> Floats:
    """Return how far upper and lower edges are apart, the larger one of the two."""
    squares = ((edges - others) ** 2).reshape(-1, 2, PROFILE)
    apart: Floats = np.sqrt(squares.mean(axis=2).max(axis=1))
    return apart


def _line_worth(known: Lines, found: Lines) -> Floats:
    """Return how well each line is matched by lines of the other side, shape ``[known]``."""
    worth = np.zeros(len(known.shown))
    steps = np.diff(found.corners, axis=1)
    owners, places = np.nonzero((steps != 0).any(axis=2))
    every = 1 + len(owners) // _MOST_SEGMENTS
    owners, places = owners[::every], places[::every]
    if not len(owners):
        return worth
    start, step = found.corners[owners, places], steps[owners, places]
    squares = np.maximum((step**2).sum(axis=1), 1e-12)
    alike = _alike(known.colours, found.colours)
    for index, points in enumerate(known.points):
        away = points[:, None] - start
        part = np.clip((away * step).sum(axis=2) / squares, 0, 1)
        apart = np.linalg.norm(away - part[..., None] * step, axis=2)
        most = alike[index, owners] * np.minimum(known.shown[index], found.shown[owners])
        worth[index] = (_near(apart) * most).max(axis=1).mean()
    return worth


COMPONENT = Values
