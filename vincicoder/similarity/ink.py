"""How far the pixels of an image bear out the text that its renderer claims.

Renderers send whatever text the code drew: white on white, nearly transparent, behind other shapes, outside the image.
Here each span gets a number that says how much of it can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vincicoder.rendering.facts import Span

if TYPE_CHECKING:
    from PIL import Image

_ROWS, _COLUMNS = 20, 64  # points at which a box is sampled; whatever its size, it costs the same
_STRONGEST = _ROWS * _COLUMNS // 100
_AT_ONCE = 256  # spans, so that memory stays below 100 MB
_RING = 48  # points along each side of the ring around it

_FAINT, _CLEAR = 10.0, 40.0
"""Distances in RGB from the background: below the first nobody sees ink, from the second on anybody does."""
_LEAST_INK = 0.02
"""Share of a box that a full stop or a minus sign fills at least."""
_UNREADABLE, _READABLE = 2.0, 8.0
"""Pixels of a box for each letter: two are a smear, eight can be read."""
_MOST_INK = 0.8
"""Share above which a box is painted over and holds no text, unless that is as short as `_SHORT`."""
_SHORT = 2
_CELLS, _MOST_CELLS, _SOME_CELLS = 8, 0.75, 0.5
"""Parts of a box along its text, and the share of them that must have ink, in long texts and in shorter ones."""
_LINE = 0.95
"""Share of a row of a box above which its ink is a line."""

Floats: TypeAlias = NDArray[np.float32]


def borne_out(spans: Sequence[Span], image: Image.Image) -> list[float]:
    """Return for each span, in [0, 1], how far an image shows it.

    That is the share of its box inside the image, times the contrast of the ink in it with what is around or behind
    it, times whether the ink is as much, as scattered and of the colour that such a text needs, times whether there is
    room for its letters. The ink of other things in the same colour and place cannot be told from the text's own.

    Args:
        spans: Text with boxes in pixels of the image; boxes may be of any size and lie anywhere.
        image: The image.

    Example:
        >>> from PIL import Image
        >>> borne_out([Span("nothing is here", (10, 10, 90, 20), (0, 0, 0))], Image.new("RGB", (100, 30), "white"))
        [0.0]
    """
    if not spans:
        return []
    if len(spans) > _AT_ONCE:
        parts = [spans[start : start + _AT_ONCE] for start in range(0, len(spans), _AT_ONCE)]
        return [score for part in parts for score in borne_out(part, image)]
    pixels = np.asarray(image.convert("RGB"))
    boxes = np.array([span.box for span in spans], np.float64)
    inside = _inside(boxes, pixels.shape)
    points = _points(boxes, pixels)
    lengths = np.array([len(span.text.replace(" ", "")) for span in spans])
    colours = np.array([span.colour or (np.nan, np.nan, np.nan) for span in spans], np.float32)
    # The background of text is what surrounds its box, or else what most of the box is.
    shown = _shown(points, np.median(_ring(boxes, pixels), axis=1), colours, lengths)
    rest = np.flatnonzero(shown < 1)
    behind = np.median(points[rest].reshape(len(rest), _ROWS * _COLUMNS, 3), axis=1)
    shown[rest] = np.maximum(shown[rest], _shown(points[rest], behind, colours[rest], lengths[rest]))
    return [float(value) for value in np.clip(inside * shown * _legible(boxes, lengths), 0, 1)]


def _legible(boxes: NDArray[np.float64], lengths: NDArray[Any]) -> NDArray[np.float64]:
    """Return whether boxes are large enough for their letters; one or two may be as small as a full stop."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / np.maximum(lengths, 1)
    room = np.clip((area - _UNREADABLE) / (_READABLE - _UNREADABLE), 0, 1)
    return np.where(lengths > _SHORT, room, (lengths > 0).astype(np.float64))


def _inside(boxes: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.float64]:
    """Return the share of each box that lies inside the image."""
    left, top, right, bottom = boxes.T
    width = np.clip(right, 0, shape[1]) - np.clip(left, 0, shape[1])
    height = np.clip(bottom, 0, shape[0]) - np.clip(top, 0, shape[0])
    area = (right - left) * (bottom - top)
    share: NDArray[np.float64] = np.where(area > 0, width * height / np.where(area > 0, area, 1), 0.0)
    return share


def _at(pixels: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64]) -> Floats:
    """Return the pixels at these points; at the edge for those outside."""
    columns = np.clip(np.floor(x), 0, pixels.shape[1] - 1).astype(np.intp)
    rows = np.clip(np.floor(y), 0, pixels.shape[0] - 1).astype(np.intp)
    found: Floats = pixels[rows, columns].astype(np.float32)
    return found


def _points(boxes: NDArray[np.float64], pixels: NDArray[np.uint8]) -> Floats:
    """Return samples of each box, shape ``[spans, across, along, 3]``, along being the longer side."""
    left, top, right, bottom = (edge[:, None, None] for edge in boxes.T)
    upright = bottom - top > right - left
    along, across = np.meshgrid(_centres(_COLUMNS), _centres(_ROWS))
    x = left + (right - left) * np.where(upright, across, along)
    y = top + (bottom - top) * np.where(upright, along, across)
    return _at(pixels, x, y)


def _centres(count: int) -> NDArray[np.float64]:
    return (np.arange(count) + 0.5) / count


def _ring(boxes: NDArray[np.float64], pixels: NDArray[np.uint8]) -> Floats:
    """Return samples of a thin ring around each box, shape ``[spans, points, 3]``."""
    left, top, right, bottom = (edge[:, None] for edge in boxes.T)
    away = np.clip(0.15 * np.minimum(right - left, bottom - top), 2, 8)
    left, top, right, bottom = left - away, top - away, right + away, bottom + away
    part = _centres(_RING)[None, :]
    x, y = left + (right - left) * part, top + (bottom - top) * part
    still_x, still_y = np.zeros_like(x), np.zeros_like(y)
    across = np.concatenate([x, x, still_x + left, still_x + right], axis=1)
    down = np.concatenate([still_y + top, still_y + bottom, y, y], axis=1)
    return _at(pixels, across, down)


def _shown(points: Floats, background: Floats, colours: Floats, lengths: NDArray[Any]) -> Floats:
    """Return how far boxes that are sampled at ``points`` show text on this background."""
    difference = points - background[:, None, None, :]
    distance = np.linalg.norm(difference, axis=-1)
    towards = colours - background
    contrast = np.linalg.norm(towards, axis=-1)
    known = ~np.isnan(contrast)
    direction = np.where(known[:, None], towards / np.maximum(contrast, 1e-6)[:, None], 0.0)
    share = np.einsum("nijc,nc->nij", difference, direction)  # the way to the colour that a pixel has gone
    beside = np.sqrt(np.maximum(distance**2 - share**2, 0))
    of_colour = (beside <= 0.35 * share + 12) & (share <= contrast[:, None, None] + 24)
    ink = (distance > _FAINT) & (of_colour | ~known[:, None, None])
    strength = np.where(ink, distance, 0.0).reshape(len(points), _ROWS * _COLUMNS)
    strongest = np.partition(strength, -_STRONGEST, axis=1)[:, -_STRONGEST]  # not one pixel's, which may be chance
    clear = np.clip((strongest - _FAINT) / (_CLEAR - _FAINT), 0, 1)
    return (clear * _like_text(ink & (distance > strongest[:, None, None] / 4), lengths)).astype(np.float32)


def _like_text(ink: NDArray[np.bool_], lengths: NDArray[Any]) -> Floats:
    """Return whether ink could be a text of so many letters: neither too little nor all over, and in many places."""
    amount = ink.mean(axis=(1, 2))
    enough = np.clip(amount / _LEAST_INK, 0, 1)
    longer = lengths > _SHORT
    not_full = np.where(longer, np.clip((_MOST_INK + 0.1 - amount) / 0.1, 0, 1), 1.0)
    # Along a line of the axes or the edge of a shape ink goes on; between letters it ends.
    line = ink.mean(axis=2) > _LINE
    cells = (ink & ~line[:, :, None]).reshape(len(ink), _ROWS, _CELLS, _COLUMNS // _CELLS).any(axis=(1, 3)).mean(axis=1)
    spread = np.where(longer, np.clip(cells / np.where(lengths < _CELLS, _SOME_CELLS, _MOST_CELLS), 0, 1), 1.0)
    rows = ink.any(axis=2).sum(axis=1)
    ends = (ink[:, :, 1:] != ink[:, :, :-1]).sum(axis=(1, 2)) / np.maximum(rows, 1)
    broken = np.where(longer, np.clip(ends, 0, 1), 1.0)
    score: Floats = (enough * not_full * spread * broken).astype(np.float32)
    return score
