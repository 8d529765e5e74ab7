"""Images of records: their content, and a store of them, each under the digest of its content."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_recipes.engine.drops import Drops
from data_recipes.engine.shards import write_whole
from data_recipes.engine.units import Row, readable
from vincicoder.data import BadRow, Reason, Record
from vincicoder.errors import TargetError
from vincicoder.images import file_type, open_target

if TYPE_CHECKING:
    from PIL import Image


def content_of(target: bytes | str) -> bytes:
    """Return the content of an image file.

    Raises:
        BadRow: It is a path that cannot be read.
    """
    try:
        return target if isinstance(target, bytes) else Path(target).read_bytes()
    except (OSError, ValueError) as error:
        raise BadRow(Reason.BROKEN_IMAGE, f"the image {target!r} cannot be read: {error}") from error


def open_image(target: bytes | str) -> Image.Image:
    """Return an image in RGB.

    Raises:
        BadRow: It cannot be read.
    """
    try:
        return open_target(target)
    except TargetError as error:
        raise BadRow(Reason.BROKEN_IMAGE, str(error)) from error


class ImageStore:
    """Images in a directory, as ``ab/abcd….png``: equal images are kept once.

    Args:
        directory: Where they are; made when the first is put.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def put(self, content: bytes) -> str:
        """Keep an image file and return its path within the directory above; safe with any number of writers."""
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        path = self.directory / digest[:2] / f"{digest}.{file_type(content)}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, lambda file: file.write(content), self.directory.parent)
        return path.relative_to(self.directory.parent).as_posix()


class PlaceImages:
    """A step that puts images where rows are to have them: into the rows, or into a store.

    Args:
        directory: Of the store; None for the rows.
        absolute: Whether rows name the store's files by absolute paths, not within the directory above the store.
    """

    def __init__(self, directory: Path | None, absolute: bool = False) -> None:
        self.absolute = absolute
        self._store = ImageStore(directory) if directory else None

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Return the records with their images' contents, or their paths."""
        return list(readable((Row(record.id, self._placed(record)) for record in records), drops))

    def _placed(self, record: Record) -> Record | BadRow:
        try:
            content = content_of(record.target)
        except BadRow as fault:
            return fault
        if self._store is None:
            return dataclasses.replace(record, target=content)
        path = self._store.put(content)
        return dataclasses.replace(record, target=str(self._store.directory.parent / path) if self.absolute else path)
