"""Encoders: tiles in, embeddings out. One file, or one entry point of another package, is one kind of encoder.

A file ``NAME.py`` holds ``load``, which understands ``"NAME"`` and ``"NAME:WHATEVER"``. Any other name is a DINOv2 for
transformers, by its hub id or its directory.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vincicoder.errors import ConfigError
from vincicoder.registry import Registry
from vincicoder.similarity.config import EncoderConfig
from vincicoder.similarity.encoders._several import load_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vincicoder.similarity.packed import Packed

__all__ = ["ENCODERS", "Encoder", "EncoderLoader", "ImageEncoder", "PatchEncoder", "load_encoder"]

_DEFAULT = "dinov2"
_PUBLISHER = "facebook/"
_PUBLISHED = tuple(
    f"{_PUBLISHER}dinov2{registers}-{size}{head}"
    for registers in ("", "-with-registers")
    for size in ("small", "base", "large", "giant")
    for head in ("", "-imagenet1k-1-layer")
)
"""Every DINOv2 of its publisher's, so that a misspelt one is found out before torch is asked for."""


class Encoder(Protocol):
    """Turn tiles into embeddings whose cosine says how alike two tiles look.

    Example:
        >>> import numpy as np
        >>> white = np.full((2, 448, 448, 3), 255, np.uint8)
        >>> embeddings = load_encoder("embedded").encode(white)
        >>> embeddings.dtype, embeddings.shape[0]
        (dtype('float32'), 2)
    """

    @property
    def name(self) -> str:
        """The name it was loaded by, as results report it."""

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles. Safe to call from several threads.

        Args:
            tiles: RGB, uint8, shape ``[N, 448, 448, 3]``, N at least 1.

        Returns:
            Embeddings, float32, finite, shape ``[N, D]``. All zeros means that the tile shows nothing.

        Raises:
            EncoderError: The network yielded infinite or undefined numbers.
        """


class PatchEncoder(Encoder, Protocol):
    """An encoder that yields the embeddings of its patches too."""

    def encode_patches(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed the patches of tiles. Safe to call from several threads.

        Args:
            tiles: RGB, uint8, shape ``[N, 448, 448, 3]``, N at least 1.

        Returns:
            Patch tokens row by row, float32, finite, shape ``[N, P, D]``.

        Raises:
            EncoderError: The network yielded infinite or undefined numbers.
        """


class ImageEncoder(Encoder, Protocol):
    """An encoder in another process, which is sent whole images and cuts them there."""

    def encode_images(self, images: Sequence[Packed]) -> Sequence[npt.NDArray[np.float32]]:
        """Embed the tiles of images. Safe to call from several threads.

        Args:
            images: The images, at least one.

        Returns:
            For each image the embeddings of its tiles, as `Encoder.encode` would return them.
        """


class EncoderLoader(Protocol):
    """What an entry of ``ENCODERS`` is: a function that loads an encoder by its whole name."""

    def __call__(self, name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> Encoder:
        """Load the encoder; see :func:`load_encoder`."""


def _complaint(name: str, value: object) -> str:
    return "" if callable(value) else f"is {type(value).__name__}; expected a function that loads an encoder"


ENCODERS: Registry[EncoderLoader] = Registry("encoder", __name__, "load", "vincicoder.encoders", _complaint)


def load_encoder(
    name: str,
    device: str | None = None,
    dtype: str | None = None,
    batch_tiles: int = EncoderConfig.batch_tiles,
    compiled: bool = False,
) -> Encoder:
    """Load an encoder by name. Nothing is cached: two calls load two encoders.

    Args:
        name: ``"embedded"`` or ``"strokes"`` (no weights, CPU); a DINOv2 for transformers by hub id or local
            directory, such as ``"facebook/dinov2-large"``; ``"timm:NAME"`` or ``"timm:NAME@CHECKPOINT"``, such as
            ``"timm:vit_large_patch14_dinov2.lvd142m"``, for any network of timm; or a name that another package
            registers.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; None or ``"auto"`` takes CUDA if there is one,
            else the CPU. ``"all"`` takes every GPU, and ``"cuda:0,cuda:1"`` these two.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``; None or ``"auto"`` takes float16 on CUDA, else
            float32.
        batch_tiles: Tiles that go through the network at once, at least 1; bounds the memory that it needs.
        compiled: Compile the network by torch for batches of three fixed sizes; the first of each takes a minute or so.

    Returns:
        The encoder, ready to use.

    Raises:
        ConfigError: An option has a value that cannot work, or nothing is called ``name``.
        EncoderError: A package or the weights are missing; the message says how to get them.

    Example:
        >>> load_encoder("embedded").name
        'embedded'
    """
    if batch_tiles < 1:
        raise ConfigError(f"batch_tiles={batch_tiles} cannot work; expected a whole number of at least 1.")
    load = ENCODERS.get(_kind(name))

    def load_there(where: str | None) -> Encoder:
        encoder = load(name, device=where, dtype=dtype, batch_tiles=batch_tiles)
        if compiled:
            _compile(encoder)
        return encoder

    encoder: Encoder = load_on(device, load_there) if device else load_there(None)
    return encoder


def _compile(encoder: Encoder) -> None:
    compile_network = getattr(encoder, "compile", None)
    if compile_network is None:
        raise ConfigError(f"compile_encoder=true: encoder {encoder.name!r} has no network of torch; leave it out.")
    compile_network()


def _kind(name: str) -> str:
    """Return the entry of ``ENCODERS`` that understands a name.

    Raises:
        ConfigError: The name is neither an encoder's, nor a directory that exists, nor like a hub id.
    """
    prefix = name.partition(":")[0]
    if prefix in ENCODERS:
        return prefix
    is_path = name.startswith(("/", ".", "~")) or Path(name).is_dir()
    if not is_path and ("/" not in prefix or (name.startswith(_PUBLISHER) and name not in _PUBLISHED)):
        raise ConfigError(_unknown(name))
    return _DEFAULT


def _unknown(name: str) -> str:
    kinds = [kind for kind in ENCODERS if kind != _DEFAULT]
    prefix, colon, rest = name.partition(":")
    near = [kind + colon + rest for kind in difflib.get_close_matches(prefix, kinds, 1)]
    if not near and not colon:
        models = {each.removeprefix(_PUBLISHER): each for each in _PUBLISHED}
        near = [models[each] for each in difflib.get_close_matches(name.removeprefix(_PUBLISHER), models, 1)]
    message = (
        f"encoder {name!r} is not known. Expected the hub id of a DINOv2, such as facebook/dinov2-large, the directory "
        f"of one, or one of: {', '.join(kinds)}"
    )
    return f"{message}. Did you mean {near[0]!r}?" if near else message
