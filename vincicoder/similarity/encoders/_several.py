"""One encoder on each of several devices."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class SeveralEncoders:
    """Give each call to an encoder that has nothing to do. Thread-safe.

    Attributes:
        name: The name they were loaded by.
        batches_under_way: Calls at a time that can be served.

    Args:
        encoders: The same encoder, on different devices.
    """

    def __init__(self, encoders: Sequence[Any]) -> None:
        self.name = encoders[0].name
        self.batches_under_way = len(encoders)
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        for encoder in encoders:
            self._free.put(encoder)
        if all(hasattr(encoder, "encode_patches") for encoder in encoders):
            self.encode_patches = self._encode_patches  # what has none is told by its absence

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles; see `Encoder.encode`."""
        return self._with_free(lambda encoder: encoder.encode(tiles))

    def _encode_patches(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed the patches of tiles; see `PatchEncoder.encode_patches`."""
        return self._with_free(lambda encoder: encoder.encode_patches(tiles))

    def _with_free(self, call: Callable[[Any], npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        encoder = self._free.get()
        try:
            return call(encoder)
        finally:
            self._free.put(encoder)


def load_on(devices: str, load: Callable[[str | None], Any]) -> Any:
    """Load an encoder on each of these devices.

    Args:
        devices: Names of devices, with commas between them; or ``"all"`` for every GPU that this process sees, else the
            CPU.
        load: Loads it on one.

    Raises:
        ConfigError: A name is empty.
    """
    if devices == "all":
        first = load(None)
        encoders = [first, *map(load, _other_gpus(getattr(first, "device", None)))]
    else:
        names = [name.strip() for name in devices.split(",")]
        if not all(names):
            raise ConfigError(f"device={devices!r} has an empty name between commas; expected such as 'cuda:0,cuda:1'.")
        encoders = [load(name) for name in names]
    return encoders[0] if len(encoders) == 1 else SeveralEncoders(encoders)


def _other_gpus(device: Any) -> list[str]:
    """Return the names of all GPUs but the one that an encoder took by itself; none if that is no GPU."""
    if getattr(device, "type", None) != "cuda":
        return []
    import torch

    mine = torch.cuda.current_device() if device.index is None else device.index
    return [f"cuda:{index}" for index in range(torch.cuda.device_count()) if index != mine]
