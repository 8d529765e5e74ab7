"""What the neural encoders share: device, precision, and running tiles through a network in batches."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from vincicoder.errors import ConfigError, EncoderError

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)

_DTYPES = {
    "float32": "float32",
    "fp32": "float32",
    "float16": "float16",
    "fp16": "float16",
    "half": "float16",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
}


def choose_device(device: str | None) -> torch.device:
    """Turn the device option into a device that exists.

    Raises:
        ConfigError: There is no such device on this machine.
    """
    import torch

    if device is None or device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"device={device!r} cannot be used: {reason}. Expected 'auto', 'cpu', 'mps', 'cuda' or 'cuda:N' "
            f"with N below {torch.cuda.device_count()}, the number of CUDA devices that torch sees."
        ) from error
    return chosen


def choose_dtype(dtype: str | None, device: torch.device) -> torch.dtype:
    """Turn the dtype option into a precision.

    Unless told otherwise this is float16 on CUDA, which DINOv2 was trained in and which is 8 times finer than
    bfloat16, and float32 elsewhere.

    Raises:
        ConfigError: The name is unknown.
    """
    import torch

    if dtype is None or dtype == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if dtype not in _DTYPES:
        raise ConfigError(f"dtype={dtype!r} is unknown. Expected 'auto' or one of {', '.join(_DTYPES)}.")
    chosen: torch.dtype = getattr(torch, _DTYPES[dtype])
    return chosen


class TorchEncoder:
    """Run tiles through a network, in bounded batches and one call at a time.

    Args:
        name: The name that results report.
        forward: Normalised pixels, shape ``[B, 3, 448, 448]``, to tokens, shape ``[B, prefix + P, D]``, CLS first.
        prefix: Tokens before those of the patches: CLS and registers.
        device: Where the network lies.
        dtype: Its precision.
        batch_tiles: Largest B.
    """

    def __init__(
        self,
        name: str,
        forward: Callable[[torch.Tensor], torch.Tensor],
        prefix: int,
        device: torch.device,
        dtype: torch.dtype,
        batch_tiles: int,
    ) -> None:
        import torch

        self.name = name
        self._forward = forward
        self._prefix = prefix
        self._device = device
        self._dtype = dtype
        self._batch_tiles = batch_tiles
        self._mean = torch.tensor(_IMAGENET_MEAN, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(_IMAGENET_STD, device=device).view(1, 3, 1, 1)
        # Two threads at once would need twice the memory and finish no sooner.
        self._busy = threading.Lock()

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles; see `Encoder.encode`."""
        return self._run(tiles, lambda tokens: tokens[:, 0])

    def encode_patches(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed the patches of tiles; see `PatchEncoder.encode_patches`."""
        return self._run(tiles, lambda tokens: tokens[:, self._prefix :])

    def _run(
        self, tiles: npt.NDArray[np.uint8], kept: Callable[[torch.Tensor], torch.Tensor]
    ) -> npt.NDArray[np.float32]:
        """Run tiles through the network and keep some of the tokens."""
        import torch

        with self._busy, torch.inference_mode(), self._on_device():
            # On CUDA the loop only queues work: the next batch is copied while this one is computed.
            batches = [
                kept(self._forward(self._normalised(tiles[start : start + self._batch_tiles]))).float()
                for start in range(0, len(tiles), self._batch_tiles)
            ]
            embeddings: npt.NDArray[np.float32] = torch.cat(batches).cpu().numpy()
        if not np.isfinite(embeddings).all():
            raise EncoderError(
                f"Encoder {self.name!r} yielded infinite or undefined numbers in {self._dtype}. If the "
                "weights are sound, this precision is too narrow for them: use dtype='bfloat16' or "
                "dtype='float32'."
            )
        return embeddings

    def _on_device(self) -> contextlib.AbstractContextManager[object]:
        """Make kernels of any library start on our device, also when the process's current one is another."""
        import torch

        return torch.cuda.device(self._device) if self._device.type == "cuda" else contextlib.nullcontext()

    def _normalised(self, tiles: npt.NDArray[np.uint8]) -> torch.Tensor:
        import torch

        # Bytes cross the bus, a quarter of what floats would take; the arithmetic happens on the device.
        staged = torch.empty(tiles.shape, dtype=torch.uint8, pin_memory=self._device.type == "cuda")
        staged.numpy()[...] = tiles
        pixels = staged.to(self._device, non_blocking=True).permute(0, 3, 1, 2).float() / 255
        return ((pixels - self._mean) / self._std).to(self._dtype)
