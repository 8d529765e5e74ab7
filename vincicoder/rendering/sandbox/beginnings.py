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
from typing import Any

from vincicoder.rendering.renderer import PREPARED

from .result import open_regular

_RENDERS = 12  # of codes that begin the same, before the beginning is prepared: that costs what 3 to 20 renders save
_RENDERS_MORE = 24  # the same, where a shorter beginning of theirs is prepared already
_KNOWN = 16_384
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
        beginnings_of: The renderer's, or None if it prepares nothing.
        most_bytes: What all files together take at most; the one that was asked for longest ago goes first.
    """

    def __init__(
        self, root: Path, beginnings_of: Callable[[str], list[str]] | None, most_bytes: int = _MOST_BYTES
    ) -> None:
        self._directory = root / PREPARED
        self._directory.mkdir()
        self._beginnings_of, self._most_bytes = beginnings_of, most_bytes
        self._lock = threading.Lock()
        self._states: OrderedDict[str, _State] = OrderedDict()  # by digest, the latest last

    def of(self, code: str) -> list[str]:
        """Return the beginnings of a code that could be prepared, the longest first."""
        return self._beginnings_of(code) if self._beginnings_of is not None else []

    def due(self, beginnings: list[str]) -> str | None:
        """Return, once, the longest of a code's beginnings that has come so often that it is to be prepared now."""
        with self._lock:
            states = [(each, self._states.get(_digest(each))) for each in beginnings]
            enough = _RENDERS_MORE if any(state and state.size for _, state in states) else _RENDERS
            for each, state in states:
                if state is not None and state.size:
                    return None  # which serves the code well enough
                if state is not None and state.renders >= enough and not state.tried:
                    state.tried = True
                    return each
            return None

    def find(self, beginnings: list[str]) -> tuple[str, Path] | None:
        """Return the longest of a code's beginnings that is prepared, and its file; None if there is none."""
        with self._lock:
            for each in beginnings:
                digest = _digest(each)
                state = self._states.get(digest)
                if state is not None and state.size:
                    self._states.move_to_end(digest)
                    return each, self._directory / digest
            return None

    def options(self, beginnings: list[str]) -> dict[str, Any]:
        """Return the options that tell a renderer of what is prepared; see ``Renderer``."""
        found = self.find(beginnings)
        return {"begins": len(found[0]), "prepared": str(found[1])} if found else {}

    def count(self, beginnings: list[str]) -> None:
        """Count a code with these beginnings that gave an image, for those that would have served it better."""
        with self._lock:
            for each in beginnings:
                digest = _digest(each)
                state = self._states.setdefault(digest, _State())
                self._states.move_to_end(digest)
                if state.size:
                    break
                state.renders += 1
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
