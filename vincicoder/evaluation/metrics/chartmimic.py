"""ChartMimic's low-level scores: F1 of text, layout, plotting functions and colours.

Prediction and reference are run once more, in the sandbox, with hooks before their code that log what is drawn; the log
comes out as the pixels of an image. The hooks share the process with the model's code, which can therefore forge what
they log. Hence every score is given twice:

* ``text``, ``layout``, ``type``, ``colour``, ``low`` believe the log, as the official code does, for comparison with
  published numbers.
* ``text_pixels`` and so on count a match only where the pixels of the render bear it out; see `borne_out`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vincicoder.evaluation.metrics import BadReference, Metric, _colours, missing
from vincicoder.evaluation.metrics._pixel_log import run_hooked
from vincicoder.rendering import Render

Array = np.ndarray[Any, Any]

_MANY = 10  # colours; where there are more, alike ones are dropped
_ALIKE = 0.7
_NO_TICKS = "\nfor _vc_ax in plt.gcf().get_axes():\n    _vc_ax.set_xticks([])\n    _vc_ax.set_yticks([])\n"
_SAVE = "plt.savefig"
_HOOKS = Path(__file__).with_name("_chartmimic_hooks.py")
PARTS = ("text", "layout", "type", "colour")
_MOST = 5_000  # entries of each kind in a log that are looked at
_SHADES = 20_000  # colours of an image that are looked at
_FAR = 1e6
_FAINT = 16  # of 255, a difference that does not count as one
_STRAY = 1e-4  # share of pixels up to which a colour counts as not there
_COLOUR = re.compile(r"--(?:#[0-9A-F]{6}(?:[0-9A-F]{2})?|[^#\n]+)\Z")
GIVES = (*PARTS, "low", *(f"{part}_pixels" for part in PARTS), "low_pixels")


@dataclass(frozen=True)
class Text:
    """A string that was drawn, and where: shares of the image's width and height, from the lower left corner."""

    text: str
    x: float
    y: float
    width: float
    height: float
    turned: bool


@dataclass(frozen=True)
class Log:
    """What the hooks saw of one run; empty where the run did not come to its end.

    Attributes:
        texts: The strings, but for tick labels.
        cells: For each axes its place in the grid (rows, columns, first and last row, first and last column), or None
            where it is in none, and its box (left, bottom, right, top) in shares of the image.
        calls: How often each plotting function was called from outside another one.
        colours: ``function--#RRGGBB`` or ``function--name of a colour map``.
    """

    texts: tuple[Text, ...] = ()
    cells: tuple[tuple[tuple[int, ...] | None, tuple[float, ...]], ...] = ()
    calls: Mapping[str, int] | None = None
    colours: tuple[str, ...] = ()


def prepare(reference: str, run: Callable[[str, str], Render]) -> Log:
    """Return the log of the reference."""
    log = logged(reference, run)
    if log.calls is None:
        raise BadReference("the reference does not run to its end; see --python for the matplotlib that it needs")
    return log


def measure(
    code: str, run: Callable[[str, str], Render], render: Image.Image, metadata: Mapping[str, Any], prepared: Log
) -> Mapping[str, float]:
    """Return the scores of a prediction."""
    log = logged(code, run)
    graph = bool(metadata.get("graph"))
    scores = compared(log, prepared, graph)
    pixels = compared(borne_out(log, np.asarray(render)), prepared, graph, log)
    return {**scores, **{f"{name}_pixels": value for name, value in pixels.items()}}


def compared(log: Log, reference: Log, graph: bool = False, claimed: Log | None = None) -> dict[str, float]:
    """Return the four scores and their mean.

    Args:
        log: What counts of the prediction.
        reference: The log of the reference.
        graph: Whether every axes counts as one alone, as the official code does for its charts of graphs.
        claimed: What the prediction says of itself, if that is more than what counts; precision is taken of it.
    """
    claimed = claimed or log
    hits = {
        "text": _common([each.text for each in log.texts], [each.text for each in reference.texts]),
        "layout": _common(_places(log, graph), _places(reference, graph)),
        "type": sum((Counter(log.calls) & Counter(reference.calls)).values()),
        "colour": _colour_hits(log.colours, reference.colours),
    }
    sizes = [
        (len(each.texts), len(_places(each, graph)), sum((each.calls or {}).values()), len(each.colours))
        for each in (claimed, reference)
    ]
    scores = {name: _f1(hits[name], *pair) for name, *pair in zip(PARTS, *sizes, strict=True)}
    return {**scores, "low": sum(scores.values()) / len(scores)}


def logged(code: str, run: Callable[[str, str], Render]) -> Log:
    """Run code under the hooks and return what they logged."""
    without_ticks = code.find(_SAVE)
    program = code if without_ticks < 0 else code[:without_ticks] + _NO_TICKS + code[without_ticks:]
    spoilt = not _compiles(program)  # the official code then finds no text
    log = _read(run_hooked(_HOOKS, code if spoilt else program, run))
    return Log((), log.cells, log.calls, log.colours) if spoilt else log


def borne_out(log: Log, pixels: Array) -> Log:
    """Return the part of a log that an image bears out.

    A string counts where there is ink in or near its box, an axes and its place where its box is not blank, a call of a
    plotting function where any axes has ink, a colour where the image has it in at least 0.01% of its pixels. A colour
    map counts with its axes. This exposes a log that names more than was drawn; it cannot tell what was drawn.

    Args:
        log: The log.
        pixels: The render without hooks, RGB, shape [height, width, 3].
    """
    cells = tuple(cell for cell in log.cells if _has_ink(pixels, cell[1]))
    shown = _shown_colours(pixels)
    found = [name for name in log.colours if cells and (_hex(name) is None or _is_shown(_hex(name), shown))]
    taken: set[tuple[int, int]] = set()
    texts = []
    for each in log.texts:
        place = round(each.x * pixels.shape[1]), round(each.y * pixels.shape[0])
        if place not in taken and _has_ink(pixels, _box(each)):
            texts.append(each)
        taken.add(place)
    return Log(tuple(texts), cells, log.calls if cells else {}, tuple(found))


def _f1(hits: float, predicted: int, wanted: int) -> float:
    if not hits:
        return 0.0
    precision, recall = hits / predicted, hits / wanted
    return 2 * precision * recall / (precision + recall)


def _common(first: Sequence[Any], second: Sequence[Any]) -> int:
    return sum((Counter(first) & Counter(second)).values())


def _places(log: Log, graph: bool) -> list[tuple[int, ...]]:
    return [(1, 1, 0, 1, 0, 1) for _ in log.cells] if graph else [cell for cell, _ in log.cells if cell is not None]


def _colour_hits(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the similarity of the colours of each function, each matched with at most one."""
    from scipy.optimize import linear_sum_assignment

    hits = 0.0
    for name in {each.partition("--")[0] for each in first} & {each.partition("--")[0] for each in second}:
        ours, theirs = ([each for each in names if each.partition("--")[0] == name] for names in (first, second))
        alike = _alike(ours, theirs)
        hits += float(alike[linear_sum_assignment(alike, maximize=True)].sum())
    return hits


def _alike(first: Sequence[str], second: Sequence[str]) -> Array:
    """Return the similarity of each to each: of colours as they look, of colour maps 1 if they are the same."""
    names = [[each.partition("--")[2] for each in some] for some in (first, second)]
    alike = np.array([[float(a == b) for b in names[1]] for a in names[0]])
    rows, columns = ([index for index, each in enumerate(some) if _rgb(each)] for some in names)
    if rows and columns:
        ours, theirs = [_rgb(names[0][row]) for row in rows], [_rgb(names[1][column]) for column in columns]
        alike[np.ix_(rows, columns)] = _colours.similarity(np.array(ours), np.array(theirs))
    return alike


def _thinned(names: Sequence[str]) -> tuple[str, ...]:
    """Drop colours that are like one before them, whatever function drew them, where there are many."""
    if len(names) <= _MANY:
        return tuple(names)
    kept: list[str] = []
    shown: list[tuple[int, int, int]] = []
    maps: set[str] = set()
    for name in names:
        colour, kind = _hex(name), name.partition("--")[2]
        if colour is None and kind not in maps:
            maps.add(kind)
            kept.append(name)
        elif colour is not None and not (shown and (_colours.similarity([colour], shown) > _ALIKE).any()):
            shown.append(colour)
            kept.append(name)
    return tuple(kept)


def _rgb(text: str) -> tuple[int, int, int] | None:
    return (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)) if text.startswith("#") else None


def _hex(name: str) -> tuple[int, int, int] | None:
    return _rgb(name.partition("--")[2])


def _compiles(program: str) -> bool:
    try:
        compile(program, "chart", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _read(log: Any) -> Log:
    """Return what was reported as a log; an empty one if there is nothing, or if it breaks the form."""
    try:
        texts = [_text(*each) for each in log["text"][:_MOST]]
        cells = [(each[0] and tuple(map(int, each[0])), tuple(map(_number, each[1]))) for each in log["layout"][:_MOST]]
        calls = {_string(name): int(count) for name, count in [*log["type"].items()][:_MOST] if count > 0}
        names = sorted({_string(each) for each in log["colour"][:_MOST] if _COLOUR.search(each)})
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        return Log()
    return Log(tuple(texts), tuple(cells), calls, _thinned(names))


def _text(text: Any, x: Any, y: Any, width: Any, height: Any, turned: Any) -> Text:
    return Text(_string(text), _number(x), _number(y), _number(width), _number(height), turned is True)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> float:
    number = float(value)
    if not abs(number) < _FAR:
        raise ValueError
    return number


def _box(text: Text) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of where a string, whose place is where its base line begins, may be.

    The log is made without tick labels, which in the image push the labels of axes outwards, so there is some room.
    """
    room = 2 * text.height
    width, height = (text.height, text.width) if text.turned else (text.width, text.height)
    left = text.x - text.height if text.turned else text.x
    return left - room, text.y - room, left + width + room, text.y + height + room


def _has_ink(pixels: Array, box: Sequence[float]) -> bool:
    """Return whether a box, in shares from the lower left corner, is more than one colour."""
    height, width = pixels.shape[:2]
    left, right = (min(max(round(share * width), 0), width) for share in (box[0], box[2]))
    bottom, top = (min(max(round((1 - share) * height), 0), height) for share in (box[1], box[3]))
    part = pixels[top:bottom, left:right].reshape(-1, 3)
    return len(part) > 0 and int((part.max(0).astype(int) - part.min(0)).max()) > _FAINT


def _shown_colours(pixels: Array) -> Array:
    """Return the colours that are more than a few stray pixels, the most frequent first."""
    flat = pixels.reshape(-1, 3).astype(np.int64)
    values, counts = np.unique((flat[:, 0] << 16) | (flat[:, 1] << 8) | flat[:, 2], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_SHADES]
    values = values[order][counts[order] >= max(1, len(flat) * _STRAY)]
    return np.stack((values >> 16, values >> 8 & 255, values & 255), axis=1)


def _is_shown(colour: Sequence[int] | None, shown: Array) -> bool:
    """Return whether a colour is there, as it is or blended with the background by at most three quarters."""
    if not len(shown):
        return False
    ground, wanted = shown[0].astype(float), np.asarray(colour, float)
    way = wanted - ground
    if np.abs(way).max() <= _FAINT:
        return True
    share = np.clip((shown - ground) @ way / (way @ way), 0.25, 1)
    return bool((np.abs(shown - ground - share[:, None] * way).max(axis=1) <= _FAINT).any())


METRIC = Metric(
    "chartmimic",
    GIVES,
    measure,
    dict.fromkeys(GIVES, 0.0),
    prepare,
    lambda: missing("scipy"),
    verified="the official implementation, but for what ends in _pixels, which is ours",
)
