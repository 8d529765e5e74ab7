"""Counts what autograd keeps between the forward and the backward pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class SavedTensors:
    """Hooks for ``torch.autograd.graph.saved_tensors_hooks`` that count bytes, each storage once.

    Args:
        parameters: What does not count, as it is there anyway.

    Attributes:
        bytes: Bytes that are kept now.
        peak: The most bytes that were kept at a time.
    """

    def __init__(self, parameters: Iterable[Any]) -> None:
        self._parameters = {each.untyped_storage().data_ptr() for each in parameters}
        self._users: dict[int, int] = {}
        self.bytes = self.peak = 0

    def pack(self, tensor: Any) -> Any:
        """Count a tensor that autograd saves."""
        storage = tensor.untyped_storage()
        return tensor if storage.data_ptr() in self._parameters else _Saved(self, tensor)

    def unpack(self, packed: Any) -> Any:
        """Return the tensor again."""
        return packed.tensor if isinstance(packed, _Saved) else packed

    def add(self, address: int, size: int, users: int) -> None:
        """Count one user more or less of a storage."""
        before = self._users.get(address, 0)
        self._users[address] = before + users
        if before == 0 or before + users == 0:
            self.bytes += size * users
            self.peak = max(self.peak, self.bytes)


class _Saved:
    def __init__(self, counts: SavedTensors, tensor: Any) -> None:
        storage = tensor.untyped_storage()
        self._counts, self.tensor = counts, tensor
        self._address, self._size = storage.data_ptr(), storage.nbytes()
        counts.add(self._address, self._size, 1)

    def __del__(self) -> None:
        self._counts.add(self._address, self._size, -1)
