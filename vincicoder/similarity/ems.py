"""Earth mover's similarity (EMS) of Image2Struct: how far ink must travel to turn one image into the other.

Both images are cut into 8 x 8 patches, at most 100 of them. Moving a patch onto another one costs the earth mover's
distance between their pixels (grey value and place, L1) and the way between the patches. EMS is 1 minus the distance
between render and target, divided by the distance between a constant image and the target.

The distances between patches are what takes the time: up to 10,000 small transport problems an image. Nearly all are
never needed, because the sum of three one-dimensional distances (grey value, column, row) is a lower bound that is
quickly computed. So we transport with lower bounds, replace those that the transport uses by distances, and repeat
until it uses distances only; then no other transport can be cheaper, whatever the distances that we left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]

_SIDE = 8  # of a patch, pixels
_PATCHES = 100  # at most
_COMMON = 0.5  # share above which the most frequent colour counts as the background
_FAINT = 0.001  # weight of what has the most frequent colour
_GREY = np.array([[0.299], [0.587], [0.114]])
_BINS = 64  # of grey values, for the lower bound


@dataclass(frozen=True)
class Base:
    """What the distance of a target from a constant image is.

    Attributes:
        size: The size that it is for, in pixels.
        distance: The distance.
    """

    size: tuple[int, int]
    distance: float


def prepare(target: Image.Image) -> Base:
    """Return the distance of the target from a constant image."""
    return Base(target.size, distance(constant(target), target))


def ems(render: Image.Image, target: Image.Image, base: Base | None = None) -> float:
    """Return the similarity of two RGB images of equal size: 1 if they are equal, below 0 if a constant is nearer.

    Args:
        render: One image.
        target: The one that the other is measured against.
        base: The target's distance from a constant image, if it is known for this size.

    Example:
        >>> image = Image.linear_gradient("L").convert("RGB")
        >>> ems(image, image)
        1.0
    """
    if base is None or base.size != target.size:
        base = prepare(target)
    return 1.0 - distance(render, target) / base.distance if base.distance > 0 else 0.0


def constant(target: Image.Image) -> Image.Image:
    """Return the white or black image that the target's most frequent colour is farther from."""
    colour, _ = _most_frequent(np.asarray(target))
    return Image.new("RGB", target.size, "white" if float((colour @ _GREY)[0]) < 127 else "black")


def distance(image: Image.Image, target: Image.Image) -> float:
    """Return the block earth mover's distance between two RGB images of equal size."""
    size = _reduced(image.size)
    pixels, wanted = (np.asarray(each if each.size == size else each.resize(size)) for each in (image, target))
    colour, share = _most_frequent(wanted)
    background = float((colour @ _GREY)[0] / 255.0)
    first, second = _patches(pixels, colour, background), _patches(wanted, colour, background)
    if share > _COMMON:
        kept = np.any(first.values != background, axis=1) | np.any(second.values != background, axis=1)
        if kept.any():
            first, second = first.only(kept), second.only(kept)
    weights = np.maximum(first.weights, second.weights)
    weights /= weights.sum()
    way = np.abs(first.places[:, None] - second.places[None]).sum(-1) * (_SIDE / sum(size))
    return _transport(weights, first.signatures(weights, background), second.signatures(weights, background), way)


@dataclass(frozen=True)
class _Patches:
    weights: Array  # [patches]
    values: Array  # [patches, pixels], grey in [0, 1]
    places: Array  # [patches, 2], of the grid, in [0, 1)

    def only(self, kept: Array) -> _Patches:
        return _Patches(self.weights[kept], self.values[kept], self.places[kept])

    def signatures(self, weights: Array, background: float) -> Array:
        """Return weight, grey value, column and row of every pixel: [patches, pixels, 4]."""
        local = (_FAINT + (1 - _FAINT) * (self.values != background).astype(np.float32)) * weights[:, None]
        local /= local.sum(axis=1, keepdims=True)
        steps = np.arange(_SIDE) / _SIDE
        columns, rows = (np.broadcast_to(each.ravel(), local.shape) for each in np.meshgrid(steps, steps))
        return np.stack((local, self.values, columns, rows), axis=2).astype(np.float32)


def _patches(pixels: Array, colour: Array, background: float) -> _Patches:
    high, wide = -pixels.shape[0] % _SIDE, -pixels.shape[1] % _SIDE
    whole = np.empty((pixels.shape[0] + high, pixels.shape[1] + wide, 3), np.float32)
    whole[pixels.shape[0] :] = colour[0]  # not the colour but a grey, as the official code pads
    whole[:, pixels.shape[1] :] = colour[1]
    whole[: pixels.shape[0], : pixels.shape[1]] = pixels
    grey = np.matmul(whole / np.float32(255), _GREY)[..., 0]
    rows, columns = grey.shape[0] // _SIDE, grey.shape[1] // _SIDE
    values = grey.reshape(rows, _SIDE, columns, _SIDE).swapaxes(1, 2).reshape(rows * columns, -1)
    weights = _FAINT + (1 - _FAINT) * np.any(values != background, axis=1).astype(np.float32)
    places = np.stack(np.unravel_index(np.arange(rows * columns), (rows, columns)), axis=1) / (rows, columns)
    return _Patches((weights / weights.sum()).astype(np.float32), values.astype(np.float32), places.astype(np.float32))


def _transport(weights: Array, first: Array, second: Array, way: Array) -> float:
    """Return the cost of the cheapest transport between patches, computing only the distances that it needs."""
    import cv2

    cost = (_lower_bound(first, second) + way).astype(np.float32)
    exact = np.zeros(cost.shape, bool)
    known: dict[tuple[bytes, bytes], float] = {}
    supply = np.ascontiguousarray(weights[:, None], np.float32)
    while True:
        total, _, flow = cv2.EMD(supply, supply, cv2.DIST_USER, cost)
        open_ = (np.asarray(flow) > 0) & ~exact
        if not open_.any():
            return float(total)
        for row, column in np.argwhere(open_):
            key = first[row].tobytes(), second[column].tobytes()
            if key not in known:
                known[key] = 0.0 if key[0] == key[1] else cv2.EMD(first[row], second[column], cv2.DIST_L1)[0]
            cost[row, column] = known[key] + way[row, column]
        exact |= open_


def _lower_bound(first: Array, second: Array) -> Array:
    """Return for each pair of patches the sum of the distances of grey values, of columns and of rows."""
    grey, columns, rows = (
        np.abs(a[:, None] - b[None]).sum(-1) for a, b in zip(_sums(first), _sums(second), strict=True)
    )
    return np.asarray(grey + columns + rows)


def _sums(patches: Array) -> tuple[Array, Array, Array]:
    """Return integrals of cumulative weights over the grey values, the columns and the rows of each patch."""
    weights = patches[..., 0].astype(np.float64)
    grid = weights.reshape(-1, _SIDE, _SIDE)
    columns, rows = (np.cumsum(grid.sum(axis), axis=1) / _SIDE for axis in (1, 2))
    # The weight at a value adds to every bin the share of the bin that lies above the value.
    share = np.clip(np.arange(1, _BINS + 1) - patches[..., 1, None].astype(np.float64) * _BINS, 0, 1) / _BINS
    return np.einsum("pw,pwb->pb", weights, share), columns, rows


def _most_frequent(pixels: Array) -> tuple[Array, float]:
    """Return the most frequent colour, the darkest of them where several are, and its share."""
    flat = pixels.reshape(-1, 3).astype(np.int64)
    values, counts = np.unique((flat[:, 0] << 16) | (flat[:, 1] << 8) | flat[:, 2], return_counts=True)
    best = int(counts.argmax())
    value = int(values[best])
    return np.array([value >> 16, value >> 8 & 255, value & 255], np.uint8), counts[best] / len(flat)


def _reduced(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size at which an image has no more patches than are allowed, in whole patches."""
    width, height = size
    patches = math.ceil(width / _SIDE) * math.ceil(height / _SIDE)
    if patches <= _PATCHES:
        return size
    wide = math.ceil(width / _SIDE / math.sqrt(patches / _PATCHES))
    return wide * _SIDE, math.floor(_PATCHES / wide) * _SIDE
