"""What many codes begin with, prepared once and read by later renders, such as the format of a LaTeX preamble.

A beginning is prepared by a fresh confined child that is given nothing else, so the rest of a code has no part in it.
This process copies what comes of it to a directory that children may read and cannot write, under the digest of the
beginning's whole text. So a code can bring nothing into the render of another, unless both begin the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vincicoder.rendering.renderer import PREPARED

from .result import open_regular

_RENDERS = 2  # of codes that begin the same, before the beginning is prepared: that costs what three renders save
_KNOWN = 4096
_MOST_BYTES = 256 << 20
_LARGEST_BYTES = 48 << 20


@dataclass
class _State:
    """What is known of one beginning: how many codes with it gave an image, and the size of its file if it has one."""

    renders: int = 0
    tried: bool = False
    size: int = 0


class Beginnings:
    """The beginnings that one fork server's renderer has prepared. Thread-safe.

    Args:
        root: The fork server's directory.
        beginning_of: The renderer's, or None if it prepares nothing.
        most_bytes: What all files together take at most; the one that was asked for longest ago goes first.
    """

    def __init__(
        self, root: Path, beginning_of: Callable[[str], str | None] | None, most_bytes: int = _MOST_BYTES
    ) -> None:
        self._directory = root / PREPARED
        self._directory.mkdir()
        self._beginning_of, self._most_bytes = beginning_of, most_bytes
        self._lock = threading.Lock()
        self._states: OrderedDict[str, _State] = OrderedDict()  # by digest, the latest last

    def of(self, code: str) -> str | None:
        """Return the beginning of a code, or None where it has none that could be prepared."""
        return self._beginning_of(code) if self._beginning_of is not None else None

    def is_due(self, beginning: str) -> bool:
        """Return, once, whether a beginning has come so often that it is to be prepared now."""
        with self._lock:
            state = self._states.get(_digest(beginning))
            due = state is not None and state.renders >= _RENDERS and not state.tried
            if state is not None and due:
                state.tried = True
            return due

    def find(self, beginning: str) -> Path | None:
        """Return what was prepared of a beginning, or None."""
        digest = _digest(beginning)
        with self._lock:
            state = self._states.get(digest)
            if state is None or not state.size:
                return None
            self._states.move_to_end(digest)
            return self._directory / digest

    def count(self, beginning: str) -> None:
        """Count a code with this beginning that gave an image."""
        digest = _digest(beginning)
        with self._lock:
            self._states.setdefault(digest, _State()).renders += 1
            self._states.move_to_end(digest)
            while len(self._states) > _KNOWN:
                self._forget(next(iter(self._states)))

    def keep(self, beginning: str, made: Path) -> None:
        """Copy what a child has made of a beginning, whatever it is, if it is a file of a bearable size."""
        fd = open_regular(made)
        if fd is None:
            return
        with open(fd, "rb") as file:
            size = os.fstat(fd).st_size
            if not 0 < size <= min(_LARGEST_BYTES, self._most_bytes):
                return
            content = file.read(size)
        digest = _digest(beginning)
        path = self._directory / digest
        with contextlib.suppress(OSError), self._lock:  # on a full disk all is rendered as if nothing were prepared
            path.write_bytes(content)  # which nobody reads yet
            self._states.setdefault(digest, _State(tried=True)).size = size
            while sum(state.size for state in self._states.values()) > self._most_bytes:
                self._forget(next(each for each, state in self._states.items() if state.size))

    def _forget(self, digest: str) -> None:
        """Remove a file, which renders under way have open or do without, and what is known of its beginning."""
        if self._states.pop(digest).size:
            with contextlib.suppress(OSError):
                (self._directory / digest).unlink()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
