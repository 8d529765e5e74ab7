"""The encoder ``grey``: a tile is how dark it is, on a grid; ``grey:N`` takes N cells a side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vincicoder.errors import ConfigError


class GreyEncoder:
    """Embed tiles by the darkness of their cells.

    Args:
        name: The name it was loaded by.
        side: Cells a side; it divides 448.
    """

    def __init__(self, name: str, side: int) -> None:
        self.name = name
        self.side = side

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles; see ``vincicoder.similarity.Encoder``."""
        size = tiles.shape[1] // self.side
        dark = 1 - tiles.mean(axis=3, dtype=np.float32) / 255
        cells = dark.reshape(len(tiles), self.side, size, self.side, size).mean(axis=(2, 4))
        return np.ascontiguousarray(cells.reshape(len(tiles), -1), np.float32)


def load(name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> GreyEncoder:
    """Load the encoder; it runs on the CPU in float32, whatever is asked for."""
    cells = name.partition(":")[2] or "28"
    if not cells.isdecimal() or not int(cells) or 448 % int(cells):
        raise ConfigError(f"encoder {name!r}: expected grey:N with an N that divides 448")
    return GreyEncoder(name, int(cells))
