"""Compare renders with their targets tile by tile, with every target tiled and embedded once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.similarity.packed import Packed
from vincicoder.similarity.pixels import pixels
from vincicoder.similarity.tiling import TILE, fitted, grid_of, tile

if TYPE_CHECKING:
    from vincicoder.similarity.encoders import Encoder, ImageEncoder, PatchEncoder

_Pixels = npt.NDArray[np.uint8]
_Embedding = npt.NDArray[np.float32]
_Image = _Pixels | Packed

# Tiles copied together for one call of the encoder (0.6 MB each), which cuts them to what its device can
# take.
_GROUP_TILES = 256

# Locks that threads share out by key, so that one target is tiled once and different ones at the same time.
_STRIPES = 64


@dataclass(frozen=True)
class Prepared:
    """A target and a render, cut into tiles: what :meth:`Similarity.prepare` returns.

    It is plain data, so that it may be sent to another process.

    Attributes:
        key: Names the target's content.
        grid: Columns and rows.
        render: The render's tiles, uint8, shape ``[N, 448, 448, 3]``, or one tile that stands for all of them; packed,
            if the encoder cuts images itself.
        target: The target's tiles, likewise, or None when its embedding is known.
        embedding: The target's embedding, float32, shape ``[N, D]``, or None when it is not known yet.
    """

    key: str
    grid: tuple[int, int]
    render: _Image
    target: _Image | None
    embedding: _Embedding | None


@dataclass(frozen=True)
class Comparison:
    """How alike a render and its target look. Every number is in [0, 1].

    Attributes:
        coarse: Similarity of the thumbnails; equal to ``fine`` when the grid has one tile.
        fine: Mean similarity of the grid's tiles.
        grid: Columns and rows.
        tiles: Similarity of each tile of the grid, row by row.

    Example:
        >>> round(Comparison(coarse=0.9, fine=0.6, grid=(2, 1), tiles=(0.5, 0.7)).visual(), 6)
        0.7
    """

    coarse: float
    fine: float
    grid: tuple[int, int]
    tiles: tuple[float, ...]

    def visual(self, coarse_weight: float | None = None) -> float:
        """Combine coarse and fine.

        Args:
            coarse_weight: Share of ``coarse``, in [0, 1]. None counts the thumbnail as one tile among others.

        Returns:
            The combination, in [0, 1].
        """
        if len(self.tiles) == 1:
            return self.fine
        weight = 1 / (len(self.tiles) + 1) if coarse_weight is None else coarse_weight
        return weight * self.coarse + (1 - weight) * self.fine


class Similarity:
    """Compare renders with targets, and keep the embeddings of the latest targets. Thread-safe.

    Attributes:
        encoder: What embeds the tiles.
        hits: Comparisons for which the target's embedding was at hand.
        misses: Comparisons that embedded their target; the number of target embeddings made so far.
        tiles: Tiles embedded, of targets and of renders.

    Args:
        encoder: What embeds the tiles.
        cache_targets: Targets whose embeddings are kept, at least 0; the one used longest ago goes first.
            Each takes at most 13 embeddings: 53 KB with DINOv2-large, 146 KB with the embedded encoder.

    Raises:
        ConfigError: ``cache_targets`` is negative.

    Example:
        >>> from vincicoder.similarity import load_encoder
        >>> similarity = Similarity(load_encoder("embedded"))
        >>> white = Image.new("RGB", (448, 448), "white")
        >>> [comparison] = similarity.compare([similarity.prepare(white, white, key="white")])
        >>> comparison.fine, comparison.grid
        (1.0, (1, 1))
    """

    def __init__(self, encoder: Encoder, cache_targets: int = 2048) -> None:
        if cache_targets < 0:
            raise ConfigError(f"cache_targets={cache_targets} cannot work; expected a whole number from 0 up.")
        self.encoder = encoder
        self.hits = 0
        self.misses = 0
        self.tiles = 0
        self._capacity = cache_targets
        self._embeddings: OrderedDict[str, _Embedding] = OrderedDict()
        # Tiles of targets that some Prepared still holds, so that a group of renders shares one copy.
        self._tiled: WeakValueDictionary[str, _Image] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._stripes = [threading.Lock() for _ in range(_STRIPES)]
        self._embedding: dict[str, Future[_Embedding]] = {}  # what some call is embedding at this moment

    def prepare(self, target: Image.Image, render: Image.Image, key: str) -> Prepared:
        """Do the work that needs no encoder: bring the render to the target's size and cut both into tiles.

        Args:
            target: The target, RGB.
            render: The render, of any size.
            key: Names the target's content: equal for equal images, different for different ones.

        Returns:
            What `compare` takes.
        """
        return self._prepared(target, self._cut(render, target.size), key)

    def prepare_blank(self, target: Image.Image, key: str) -> Prepared:
        """Do the same for a page of the target's background colour, whose tiles are all one.

        Args:
            target: The target, RGB.
            key: Names the target's content.

        Returns:
            What `compare` takes.
        """
        return self._prepared(
            target, self._cut(Image.new("RGB", (TILE, TILE), background_of(target)), (TILE, TILE)), key
        )

    def _prepared(self, target: Image.Image, image: _Image, key: str) -> Prepared:
        grid = grid_of(*target.size)
        with self._lock:
            embedding = self._recall(key)
        if embedding is not None:
            return Prepared(key, grid, image, None, embedding)
        return Prepared(key, grid, image, self._tiles_of(target, key), None)

    def compare(self, prepared: Sequence[Prepared]) -> list[Comparison]:
        """Embed and compare.

        Args:
            prepared: What `prepare` returned, any number, any order.

        Returns:
            One comparison each, in the same order.

        Raises:
            EncoderError: The encoder failed.
        """
        known, mine, others = self._sort_targets(prepared)
        try:
            embeddings = list(self._embed([*mine.values(), *(each.render for each in prepared)]))
        except BaseException as error:
            self._release(mine, error)
            raise
        known.update(zip(mine, embeddings, strict=False))
        with self._lock:
            self.misses += len(mine)
            self.hits += len(prepared) - len(mine)
            self.tiles += sum(map(len, embeddings))
            for key, embedding in known.items():
                self._remember(key, embedding)
        self._release(known)
        known.update((key, future.result()) for key, future in others.items())
        return [
            _comparison(known[each.key], render, each.grid)
            for each, render in zip(prepared, embeddings[len(mine) :], strict=True)
        ]

    def require_patch_tokens(self) -> None:
        """Check that the encoder yields patch tokens.

        Raises:
            ConfigError: It does not.
        """
        if not hasattr(self.encoder, "encode_patches"):
            raise ConfigError(
                f"encoder {self.encoder.name!r} yields no patch tokens, which a component asks for; use a DINOv2"
            )

    def patch_tokens(self, image: Image.Image) -> _Embedding:
        """Return the patch tokens of an image's tiles, the thumbnail last.

        Args:
            image: The image, of any size.

        Returns:
            Patch tokens, float32, shape ``[tiles, patches, D]``.
        """
        return cast("PatchEncoder", self.encoder).encode_patches(tile(image).pixels)

    def _sort_targets(
        self, prepared: Sequence[Prepared]
    ) -> tuple[dict[str, _Embedding], dict[str, _Image], dict[str, Future[_Embedding]]]:
        """Return, by key, the embeddings at hand, the tiles to embed, and what other calls are embedding now."""
        known: dict[str, _Embedding] = {}
        mine: dict[str, _Image] = {}
        others: dict[str, Future[_Embedding]] = {}
        with self._lock:
            for each in prepared:
                embedding = each.embedding if each.embedding is not None else self._recall(each.key)
                if embedding is not None:
                    known[each.key] = embedding
            for each in prepared:
                if each.key in known or each.key in mine or each.target is None:
                    continue
                if each.key in self._embedding:
                    others[each.key] = self._embedding[each.key]
                else:
                    mine[each.key] = each.target
                    self._embedding[each.key] = Future()
        return known, mine, others

    def _release(self, keys: Mapping[str, object], error: BaseException | None = None) -> None:
        """Hand the embeddings, or why there are none, to the calls that wait for them."""
        for key, embedding in keys.items():
            with self._lock:
                future = self._embedding.pop(key, None)
            if future is not None and error is None:
                future.set_result(cast(_Embedding, embedding))
            elif future is not None and error is not None:
                future.set_exception(error)

    @property
    def cuts_elsewhere(self) -> bool:
        """Whether the encoder is sent images, and cuts them into tiles itself."""
        return hasattr(self.encoder, "encode_images")

    def _cut(self, image: Image.Image, size: tuple[int, int]) -> _Image:
        """Bring an image to the target's size and cut it into tiles, or leave that to the encoder."""
        if self.cuts_elsewhere:
            return Packed.of(image, size)
        return tile(fitted(image, size)).pixels

    def _embed(self, images: Sequence[_Image]) -> Iterator[_Embedding]:
        """Embed images, many at a time; yield an array of its own for each."""
        for group in _groups(images):
            if self.cuts_elsewhere:
                yield from cast("ImageEncoder", self.encoder).encode_images(group)
                continue
            embeddings = self.encoder.encode(group[0] if len(group) == 1 else np.concatenate(group))
            start = 0
            for each in group:
                yield embeddings[start : start + len(each)].copy()
                start += len(each)

    def _tiles_of(self, target: Image.Image, key: str) -> _Image:
        with self._stripes[hash(key) % _STRIPES]:
            with self._lock:
                pixels = self._tiled.get(key)
            if pixels is None:
                pixels = self._cut(target, target.size)
                with self._lock:
                    self._tiled[key] = pixels
        return pixels

    def _recall(self, key: str) -> _Embedding | None:
        embedding = self._embeddings.get(key)
        if embedding is not None:
            self._embeddings.move_to_end(key)
        return embedding

    def _remember(self, key: str, embedding: _Embedding) -> None:
        self._embeddings[key] = embedding
        self._embeddings.move_to_end(key)
        while len(self._embeddings) > self._capacity:
            self._embeddings.popitem(last=False)


def blank_page(target: Image.Image) -> Image.Image:
    """Return a page of the target's size in its background colour.

    Args:
        target: The target, RGB.

    Example:
        >>> blank_page(Image.new("RGB", (4, 3), "red")).getpixel((0, 0))
        (255, 0, 0)
    """
    return Image.new("RGB", target.size, background_of(target))


def background_of(target: Image.Image) -> tuple[int, int, int]:
    """Return a target's background colour: the most common one along its border.

    Args:
        target: The target, RGB.

    Example:
        >>> background_of(Image.new("RGB", (4, 3), "red"))
        (255, 0, 0)
    """
    stored = pixels(target)
    border = np.concatenate([stored[0], stored[-1], stored[:, 0], stored[:, -1]]).view(np.uint8).reshape(-1, 3)
    colours, counts = np.unique(border.astype(np.uint32) @ (1 << 16, 1 << 8, 1), return_counts=True)
    colour = int(colours[counts.argmax()])
    return colour >> 16, colour >> 8 & 255, colour & 255


def _groups(images: Sequence[_Image]) -> Iterator[list[Any]]:
    """Put images together until a group is large enough to keep an encoder busy."""
    group: list[_Image] = []
    for each in images:
        if group and sum(map(len, group)) + len(each) > _GROUP_TILES:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _comparison(target: _Embedding, render: _Embedding, grid: tuple[int, int]) -> Comparison:
    similarities = [float(each) for each in _similarity(target, render)]  # which repeats a render of one tile
    tiles = tuple(similarities[: grid[0] * grid[1]])
    return Comparison(coarse=similarities[-1], fine=sum(tiles) / len(tiles), grid=grid, tiles=tiles)


def _similarity(first: _Embedding, second: _Embedding) -> npt.NDArray[np.float32]:
    """Return (cos + 1) / 2 row by row. Two empty rows are alike; an empty and another one have cosine 0."""
    # In float64 the cosine of a row with itself is 1 to the last bit of the float32 that is returned.
    a, b = first.astype(np.float64), second.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    empty = lengths == 0
    cosine = (a * b).sum(axis=1) / np.where(empty, 1.0, lengths)
    cosine[empty & ~a.any(axis=1) & ~b.any(axis=1)] = 1.0
    similarity: npt.NDArray[np.float32] = np.clip((cosine + 1) / 2, 0.0, 1.0).astype(np.float32)
    return similarity
