"""An image on its way to an encoder in another process: compressed once, and cut into tiles where it arrives."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from vincicoder.similarity.pixels import pixels
from vincicoder.similarity.tiling import fitted, grid_of, tile


@dataclass(frozen=True)
class Packed:
    """An image that stands for its tiles, of which there are a hundred times as many bytes.

    Attributes:
        content: Its pixels, RGB row by row, by zlib.
        size: Width and height.
        fitted_to: Width and height that it is brought to before it is cut, those of the target.

    Example:
        >>> packed = Packed.of(Image.new("RGB", (640, 480), "white"), (1280, 960))
        >>> len(packed), packed.tiles().shape
        (13, (13, 448, 448, 3))
        >>> len(packed.content) < 5000
        True
    """

    content: bytes
    size: tuple[int, int]
    fitted_to: tuple[int, int]

    @classmethod
    def of(cls, image: Image.Image, fitted_to: tuple[int, int]) -> Packed:
        """Compress an image.

        Args:
            image: The image, of any size and mode.
            fitted_to: The target's size.
        """
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        return cls(zlib.compress(np.ascontiguousarray(pixels(rgb)).data, 1), rgb.size, fitted_to)

    def __len__(self) -> int:
        """Return the number of tiles, the thumbnail included."""
        columns, rows = grid_of(*self.fitted_to)
        return columns * rows + (columns * rows > 1)

    def tiles(self) -> npt.NDArray[np.uint8]:
        """Return the tiles, shape ``[N, 448, 448, 3]``, equal to those of the image itself in every bit."""
        image = Image.frombytes("RGB", self.size, zlib.decompress(self.content))
        return tile(fitted(image, self.fitted_to)).pixels
