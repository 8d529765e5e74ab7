"""Pictures of records: their content, and a store of them, each under the digest of its content."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_recipes.drops import Drops
from data_recipes.pipeline import Row, sound
from data_recipes.shards import write_whole
from vincicoder.data import BadRow, Reason, Record
from vincicoder.errors import TargetError

if TYPE_CHECKING:
    from PIL import Image

_TYPES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp", b"GIF8": "gif"}


def content_of(target: bytes | str) -> bytes:
    """Return the content of a picture file.

    Raises:
        BadRow: It is a path that cannot be read.
    """
    try:
        return target if isinstance(target, bytes) else Path(target).read_bytes()
    except (OSError, ValueError) as error:
        raise BadRow(Reason.BROKEN_IMAGE, f"the picture {target!r} cannot be read: {error}") from error


def opened(target: bytes | str) -> Image.Image:
    """Return a picture in RGB.

    Raises:
        BadRow: It cannot be read.
    """
    from vincicoder.images import open_target

    try:
        return open_target(target)
    except TargetError as error:
        raise BadRow(Reason.BROKEN_IMAGE, str(error)) from error


def type_of(content: bytes) -> str:
    """Return the type of a picture file by how it begins, as in ``image/png``."""
    return next((name for head, name in _TYPES.items() if content.startswith(head)), "bin")


class PictureStore:
    """Pictures in a folder, as ``ab/abcd….png``: equal pictures are kept once.

    Args:
        folder: Where they are; made when the first is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Keep a picture file and return its path within the folder above; safe with any number of writers."""
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        path = self.folder / digest[:2] / f"{digest}.{type_of(content)}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, lambda file: file.write(content), self.folder.parent)
        return path.relative_to(self.folder.parent).as_posix()


class Pictures:
    """A step that puts pictures where rows are to have them: into the rows, or into a store.

    Args:
        folder: Of the store; None for the rows.
    """

    def __init__(self, folder: Path | None) -> None:
        self._store = PictureStore(folder) if folder else None

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Return the records with their pictures' contents, or the paths within the folder above the store."""
        return list(sound((Row(record.id, self._placed(record)) for record in records), drops))

    def _placed(self, record: Record) -> Record | BadRow:
        try:
            content = content_of(record.target)
        except BadRow as fault:
            return fault
        return dataclasses.replace(record, target=self._store.put(content) if self._store else content)
