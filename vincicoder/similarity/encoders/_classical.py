"""What the encoders without weights share: layout and colours of a tile, and joining features to one embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vincicoder.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

LAYOUT_CELLS = 14
_BINS = 5

# How much colour counts beside darkness in the layout.
_CHROMA = 0.5


def refuse_options(mine: str, name: str, device: str | None, dtype: str | None) -> None:
    """Refuse variants, devices and dtypes, of which an encoder without weights has one each.

    Args:
        mine: Name of the encoder.
        name: The name that was asked for.
        device: None, ``"auto"`` or ``"cpu"``.
        dtype: None, ``"auto"`` or ``"float32"``.

    Raises:
        ConfigError: Another name, device or dtype is asked for.
    """
    for option, value, works in (
        ("encoder", name, (mine,)),
        ("device", device, (None, "auto", "all", "cpu")),
        ("dtype", dtype, (None, "auto", "float32", "fp32")),
    ):
        if value not in works:
            raise ConfigError(
                f"{option}={value!r} cannot be used: the encoder {mine!r} runs on the CPU in float32. "
                f"Expected {' or '.join(repr(each) for each in works if each)}."
            )


def pooling(cells: int, side: int, reach: float = 0.6) -> Floats:
    """Return weights, shape ``[cells, side]``, that average a line of pixels over overlapping cells.

    Args:
        cells: Number of cells.
        side: Number of pixels.
        reach: Standard deviation of a cell's weights, in cells.
    """
    centres = (np.arange(cells) + 0.5) * side / cells
    distance = (np.arange(side) + 0.5 - centres[:, None]) * cells / side
    weights = np.exp(-0.5 * (distance / reach) ** 2)
    normalised: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def unit(pixels: npt.NDArray[np.uint8]) -> Floats:
    """Scale bytes to [0, 1]."""
    scaled: Floats = pixels.astype(np.float32) / np.float32(255)
    return scaled


def opponent(half: Image.Image) -> Floats:
    """Return darkness below white, red against green and yellow against blue, of a tile at half size.

    Returns:
        Maps at a quarter of the given size, shape ``[3, rows, columns]``.
    """
    red, green, blue = np.moveaxis(unit(np.asarray(half.reduce(4))), -1, 0)
    dark = np.maximum(0, 1 - 0.299 * red - 0.587 * green - 0.114 * blue)
    return np.stack([dark, red - green, (red + green) / 2 - blue])


def pooled(maps: Floats, weights: Floats) -> Floats:
    """Return the mean of each map in each cell, as signed square roots, so that thin lines count beside areas."""
    cells: Floats = weights @ maps @ weights.T
    return np.copysign(np.sqrt(np.abs(cells)), cells)


def centred(cells: Floats) -> Floats:
    """Subtract the mean over the last two axes."""
    found: Floats = cells - cells.mean(axis=(-2, -1), keepdims=True)
    return found


def layout(maps: Floats, weights: Floats) -> Floats:
    """Return darkness and colour of each cell, with the mean of the darkness subtracted, as one vector.

    Args:
        maps: As `opponent` gives them.
        weights: As `pooling` gives them.
    """
    cells = pooled(maps, weights)
    cells[0] = centred(cells[0])
    cells[1:] *= _CHROMA
    return cells.ravel()


def colours(half: Image.Image) -> tuple[Floats, Floats]:
    """Return the square roots of the shares of colours other than white, and of all colours, of a tile at half size."""
    # Every ninth pixel is enough, in three batches for the sake of small products.
    histogram = _histogram(unit(np.asarray(half)[::3, ::3].reshape(3, -1, 3)))
    coloured = histogram.copy()
    coloured[-1] = 0
    return coloured, histogram


def joined(
    features: Mapping[str, Floats], plain: Floats, parts: Mapping[str, tuple[float, float]], empty_share: float
) -> Floats:
    """Join features into one vector of length 1.

    A part counts less the less the tile has of it, and the plain colours take the rest of its share. So an empty tile
    is like another empty tile of its colour, and unlike any other.

    Args:
        features: A vector for each part.
        plain: Shares of all colours, of length 1.
        parts: For each part its share in the squared length of the embedding, and the length of its features at which
            it gets half of that share.
        empty_share: Share of one last number that says only how much of the tile is empty. It makes the cosine of an
            empty tile and a full one negative.
    """
    pieces, empty = [], 0.0
    for part, (share, half) in parts.items():
        length = float(features[part] @ features[part])
        pieces.append(features[part] * np.sqrt(share / (length + half**2)))
        empty += share * half**2 / (length + half**2)
    pieces.append(plain * np.sqrt(empty))
    ink = np.float32(np.sqrt(empty_share) * (1 - 2 * np.sqrt(empty)))
    return np.append(np.sqrt(1 - ink * ink) * np.concatenate(pieces), ink).astype(np.float32)


def _histogram(batches: Floats) -> Floats:
    """Return the square roots of the shares of colours, shape ``[bins ** 3]``, length 1; the last is white.

    Args:
        batches: Pixels in [0, 1], shape ``[batches, pixels, 3]``.
    """
    # A pixel is shared out between the bins on either side of its value, so that no tiny change jumps.
    shares = np.maximum(0, 1 - np.abs(batches[..., None] * (_BINS - 1) - np.arange(_BINS, dtype=np.float32)))
    red, green, blue = np.moveaxis(shares, 2, 0)
    red_green = (red[..., :, None] * green[..., None, :]).reshape(*red.shape[:2], -1)
    counts = (red_green.swapaxes(1, 2) @ blue).sum(axis=0)
    roots: Floats = np.sqrt(counts.ravel() / counts.sum())
    return roots
