"""A store of pictures, each under the digest of its content: equal pictures are kept once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from vincicoder.data import BadRow, Reason

_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp", b"GIF8": ".gif"}


class PictureStore:
    """Pictures in a folder, as ``ab/abcd….png``.

    Args:
        folder: Where they are; made when the first is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Keep a picture file and return its path within the folder; safe with any number of writers."""
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        suffix = next((suffix for head, suffix in _SUFFIXES.items() if content.startswith(head)), ".bin")
        name = f"{digest[:2]}/{digest}{suffix}"
        path = self.folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{digest}-{os.getpid()}")
            partial.write_bytes(content)
            partial.replace(path)
        return name

    def get(self, name: str) -> bytes:
        """Return a picture file.

        Raises:
            BadRow: There is none of this name.
        """
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise BadRow(Reason.BROKEN_PICTURE, f"the picture {name} is not in {self.folder}") from error
