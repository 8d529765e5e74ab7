"""What the neural encoders share: device, precision, and running tiles through a network in batches."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
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

_SHORTAGES = ("out of memory", "ALLOC_FAILED", "can't allocate memory")


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


def _shortage(error: RuntimeError) -> str:
    """Return the reason if an error says that memory is short, else nothing. Libraries below torch have their own."""
    reason = str(error).strip().split("\n", 1)[0]
    return reason if any(sign in str(error) for sign in _SHORTAGES) else ""


class TorchEncoder:
    """Run tiles through a network, in bounded batches and one call at a time.

    Where the device's memory does not suffice for a batch, as beside a trainer, it goes on with half of it.

    Attributes:
        name: The name that results report.
        device: Where the network lies.

    Args:
        name: The name that results report.
        forward: Normalised pixels, shape ``[B, 3, 448, 448]``, to embeddings, shape ``[B, D]``.
        device: Where the network lies.
        dtype: Its precision.
        batch_tiles: Largest B.
        mean: What is subtracted from red, green and blue, each in [0, 1].
        std: What the difference is divided by.
    """

    def __init__(
        self,
        name: str,
        forward: Callable[[torch.Tensor], torch.Tensor],
        device: torch.device,
        dtype: torch.dtype,
        batch_tiles: int,
        mean: Sequence[float] = _IMAGENET_MEAN,
        std: Sequence[float] = _IMAGENET_STD,
    ) -> None:
        import torch

        self.name = name
        self.device = device
        self._forward = forward
        self._dtype = dtype
        self._batch_tiles = batch_tiles
        self._fits = batch_tiles
        self._sizes: list[int] = []
        self._mean = torch.tensor(mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=device).view(1, 3, 1, 1)
        # Two threads at once would need twice the memory and finish no sooner.
        self._busy = threading.Lock()

    def compile(self) -> None:
        """Compile the network by torch, for batches of three sizes, as each new size is compiled anew.

        It happens at the first batches. Those that are smaller are filled up. Where memory is short, only the sizes
        that fit are used; where none does, the size that fits is compiled as well.
        """
        import torch

        self._forward = torch.compile(self._forward, dynamic=False)
        self._sizes = sorted({max(1, self._batch_tiles // part) for part in (1, 4, 16)}, reverse=True)

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles; see `Encoder.encode`."""
        return self._run(tiles, self._forward)

    def _run(
        self, tiles: npt.NDArray[np.uint8], forward: Callable[[torch.Tensor], torch.Tensor]
    ) -> npt.NDArray[np.float32]:
        """Run tiles through the network."""
        import torch

        with self._busy, torch.inference_mode(), self._on_device():
            self._fits = min(2 * self._fits, self._batch_tiles)  # what was short once need not be so for ever
            batches: list[torch.Tensor] = []
            start = 0
            while start < len(tiles):
                shortage = ""
                size = self._size_of_batch(len(tiles) - start)
                batch = tiles[start : start + size]
                try:  # on CUDA this only queues work: the next batch is copied while this one is computed
                    batches.append(forward(self._normalised(batch, size))[: len(batch)].float())
                    start += size
                except RuntimeError as error:
                    shortage = _shortage(error)
                    if not shortage:
                        self._explain(error)
                        raise
                if shortage:  # only here, as until now the error held on to what the network had allocated
                    batches = [batch.cpu() for batch in batches]
                    self._halve(shortage)
            embeddings: npt.NDArray[np.float32] = torch.cat([batch.cpu() for batch in batches]).numpy()
        if not np.isfinite(embeddings).all():
            raise EncoderError(
                f"Encoder {self.name!r} yielded infinite or undefined numbers in {self._dtype}. If the "
                "weights are sound, this precision is too narrow for them: use dtype='bfloat16' or "
                "dtype='float32'."
            )
        return embeddings

    def _size_of_batch(self, left: int) -> int:
        """Return how many tiles to take of those that are left: one of three sizes if the network is compiled."""
        if not self._sizes:
            return min(left, self._fits)
        sizes = [size for size in self._sizes if size <= self._fits] or [self._fits]
        return next((size for size in sizes if 4 * left >= 3 * size), sizes[-1])

    def _explain(self, error: RuntimeError) -> None:
        """Say what can be done about an error, if it is the compiler's.

        Raises:
            EncoderError: It is.
        """
        if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            reason = str(error).strip().splitlines()[0]
            raise EncoderError(
                f"Encoder {self.name!r} cannot be compiled: {reason}. torch.compile needs a C++ compiler, and triton "
                "for a GPU. Install them, or leave out compile_encoder."
            ) from error

    def _halve(self, shortage: str) -> None:
        """Make batches smaller.

        Raises:
            EncoderError: There is no memory for a single tile.
        """
        import torch

        if self._fits == 1:
            raise EncoderError(
                f"Encoder {self.name!r} finds no memory for a single tile on {self.device}: {shortage} Leave it more, "
                "such as by a lower share of the memory for the rollout engine, or put it on another device."
            )
        self._fits = max(1, self._fits // 2)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _on_device(self) -> contextlib.AbstractContextManager[object]:
        """Make kernels of any library start on our device, also when the process's current one is another."""
        import torch

        return torch.cuda.device(self.device) if self.device.type == "cuda" else contextlib.nullcontext()

    def _normalised(self, tiles: npt.NDArray[np.uint8], size: int) -> torch.Tensor:
        """Return the pixels of tiles as the network takes them, with others after them up to a size."""
        import torch

        # Bytes cross the bus, a quarter of what floats would take; the arithmetic happens on the device.
        staged = torch.empty((size, *tiles.shape[1:]), dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        staged.numpy()[: len(tiles)] = tiles
        pixels = staged.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float() / 255
        return ((pixels - self._mean) / self._std).to(self._dtype)


class TokenEncoder(TorchEncoder):
    """Run tiles through a transformer, whose tokens are the embeddings of a tile and of its patches.

    Args:
        name: The name that results report.
        forward: Normalised pixels, shape ``[B, 3, 448, 448]``, to tokens, shape ``[B, prefix + P, D]``, CLS first.
        prefix: Tokens before those of the patches: CLS and registers.
        device: Where the network lies.
        dtype: Its precision.
        batch_tiles: Largest B.
        first: Yields the first of these tokens alone, if that can be had for less than all.
    """

    def __init__(
        self,
        name: str,
        forward: Callable[[torch.Tensor], torch.Tensor],
        prefix: int,
        device: torch.device,
        dtype: torch.dtype,
        batch_tiles: int,
        first: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        super().__init__(name, forward, device, dtype, batch_tiles)
        self._prefix, self._first = prefix, first or forward

    def compile(self) -> None:
        """Compile the network by torch; see `TorchEncoder.compile`."""
        import torch

        plain = self._forward
        super().compile()
        self._first = self._forward if self._first is plain else torch.compile(self._first, dynamic=False)

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles; see `Encoder.encode`."""
        return self._run(tiles, lambda pixels: self._first(pixels)[:, 0])

    def encode_patches(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed the patches of tiles; see `PatchEncoder.encode_patches`."""
        return self._run(tiles, lambda pixels: self._forward(pixels)[:, self._prefix :])
