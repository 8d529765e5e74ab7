"""Design2Code's scores of text blocks: how much of the text is matched, how well it reads, where it is, its colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache, partial
from typing import Any

import numpy as np
from PIL import Image

from vincicoder.evaluation.metrics import Metric, missing
from vincicoder.evaluation.metrics._colours import similarity
from vincicoder.evaluation.metrics._recoloured import Block, blocks_of, image_of_reference, merged
from vincicoder.rendering import Render

Array = np.ndarray[Any, Any]

GIVES = ("block", "text", "position", "colour")
_FAILED = dict.fromkeys(GIVES, 0.0)
_LEAST = 0.5  # likeness below which a match is none
_GAIN = 0.05  # in mean likeness, for which neighbours are merged
_BONUS = 0.1  # of the likeness of neighbours
_MOST = 1_000  # blocks of a page; nothing is matched on one with more


def prepare(reference: str, run: Callable[[str, str], Render]) -> list[Block]:
    """Return the blocks of the reference."""
    return merged(blocks_of(reference, image_of_reference(reference, run), run))


def measure(
    code: str, run: Callable[[str, str], Render], render: Image.Image, prepared: list[Block]
) -> Mapping[str, float]:
    """Return the four scores of a page."""
    return scores(merged(blocks_of(code, render, run)), prepared)


def scores(blocks: Sequence[Block], wanted: Sequence[Block]) -> Mapping[str, float]:
    """Return the four scores of a page's blocks against those of the reference; 0 where nothing matches."""
    if not 0 < len(blocks) <= _MOST or not 0 < len(wanted) <= _MOST:
        return dict(_FAILED)
    first, second = _merged_for_matching(list(blocks), list(wanted))
    matching = [(i, j) for i, j in _final_matching(first, second) if _ratio(first[i].text, second[j].text) >= _LEAST]
    if not matching:
        return dict(_FAILED)
    pairs = [(first[i], second[j]) for i, j in matching]
    matched = sum(a.area + b.area for a, b in pairs)
    missed = sum(
        block.area
        for page, found in zip((first, second), map(set, zip(*matching, strict=True)), strict=True)
        for index, block in enumerate(page)
        if index not in found
    )
    shifts = [max(abs(p - q) for p, q in zip(a.centre, b.centre, strict=True)) for a, b in pairs]
    return {
        "block": matched / (matched + missed),
        "text": float(np.mean([_ratio(a.text, b.text) for a, b in pairs])),
        "position": 1 - float(np.mean(shifts)),
        "colour": float(np.mean([similarity([a.colour], [b.colour])[0, 0] for a, b in pairs])),
    }


@lru_cache(maxsize=1 << 17)
def _ratio(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second).ratio()


def _costs(first: Sequence[Block], second: Sequence[Block]) -> Array:
    return np.array([[-_ratio(a.text, b.text) for b in second] for a in first])


def _transposed_costs(first: Sequence[Block], second: Sequence[Block]) -> Array:
    return np.transpose(_costs(first, second))


def _assigned(costs: Array) -> tuple[Array, Array]:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs)
    return rows, columns


def _matched_costs(costs: Array) -> list[float]:
    return list(costs[_assigned(costs)].tolist())


def _matched_transposed_costs(costs: Array) -> list[float]:
    return _matched_costs(costs.T)  # of equal matchings the one of the official order


def _merged_for_matching(first: list[Block], second: list[Block]) -> tuple[list[Block], list[Block]]:
    """Merge neighbours on either page as long as that makes the matched text more alike."""
    changed = True
    while changed:
        first, on_first = _merge_neighbours(first, partial(_costs, second=second), _matched_costs)
        second, on_second = _merge_neighbours(second, partial(_transposed_costs, first), _matched_transposed_costs)
        changed = on_first or on_second
    return first, second


def _merge_neighbours(
    blocks: list[Block], costs_of: Callable[[list[Block]], Array], matched: Callable[[Array], list[float]]
) -> tuple[list[Block], bool]:
    """Merge those neighbours of one page whose merger gains, the best first, and no block twice.

    Args:
        blocks: The blocks of the page.
        costs_of: Returns the costs of blocks of this page, one row each, against those of the other page.
        matched: Returns the costs of the cheapest matching.
    """
    costs = costs_of(blocks)
    now = matched(costs)
    gains = []
    for index in range(len(blocks) - 1):
        joined = _joined(blocks[index], blocks[index + 1])
        gain = _gain(now, matched(np.vstack((costs[:index], costs_of([joined]), costs[index + 2 :]))))
        if gain > _GAIN:
            gains.append((gain, index, joined))
    gains.sort(key=lambda each: -each[0])
    blocks, gone, taken = list(blocks), set[int](), set[int]()
    for _, index, joined in gains:
        if not taken & {index, index + 1}:
            taken |= {index, index + 1}
            blocks[index] = joined
            gone.add(index + 1)
    return [block for index, block in enumerate(blocks) if index not in gone], bool(gains)


def _joined(first: Block, second: Block) -> Block:
    (x1, y1, w1, h1), (x2, y2, w2, h2) = first.box, second.box
    left, top = min(x1, x2), min(y1, y2)
    box = left, top, max(x1 + w1, x2 + w2) - left, max(y1 + h1, y2 + h2) - top
    colour = tuple((a + b) // 2 for a, b in zip(first.colour, second.colour, strict=True))
    return Block(f"{first.text} {second.text}", box, colour)


def _gain(before: Sequence[float], after: Sequence[float]) -> float:
    """Return by how much the mean cost falls, of the costs that are not in both; 0 if the lowest does not fall."""
    common = Counter(before) & Counter(after)
    left, right = (list((Counter(each) - common).elements()) for each in (before, after))
    mean_left = sum(left) / len(left) if left else 0.0
    mean_right = sum(right) / len(right) if right else 0.0
    if mean_left - mean_right > 0 and left and right and min(left) <= min(right):
        return 0.0
    return mean_left - mean_right


def _final_matching(first: Sequence[Block], second: Sequence[Block]) -> list[tuple[int, int]]:
    """Return the pairs of the cheapest matching, where alike neighbours make a pair cheaper."""
    costs = _costs(first, second)
    adjusted = costs.copy()
    for i, j in np.argwhere(costs < -_LEAST):
        near = np.sort(costs[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2], axis=None)[::-1]
        others = np.delete(near, np.flatnonzero(near == costs[i, j])[0])
        adjusted[i, j] += _BONUS * others[-2:].sum()
    return list(zip(*(each.tolist() for each in _assigned(adjusted)), strict=True))


METRIC = Metric(
    "design2code",
    GIVES,
    measure,
    _FAILED,
    prepare,
    lambda: missing("bs4", "scipy"),
    verified="the official implementation",
)
