"""What comes out of a renderer, as the rest of the package sees it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vincicoder.rendering.facts import Facts
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

_HEADER_LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Render:
    """The outcome of rendering one piece of code.

    Attributes:
        status: ``Status.OK`` exactly when ``image`` is set.
        image: The image, RGB, or None.
        message: Why there is no image, in one or a few lines; empty on success.
        seconds: Wall time of the render itself, without the wait for a free worker.
        cpu_seconds: CPU time it used.
        facts: What the renderer knows of the image beyond its pixels, or None. Checked, but never to be trusted: a
            fact counts only as far as the pixels bear it out.
        note: Why the renderer's facts were dropped; empty if none were. The image stands all the same.
        embedded_bytes: Bytes of raster images that the code brought along and the renderer decoded, for
            `vincicoder.guards.decoded_raster` to judge. Python code could forge the count, the other languages cannot.
        prefixes: Where the code's prefixes end, in characters, and their images, if they were asked for. They stay in
            the process that asked.

    Example:
        >>> render = Render(Status.TIMEOUT, message="used more than 10 s of CPU time")
        >>> render.ok, render.status.fault.value
        (False, 'response')
        >>> Render.from_bytes(render.to_bytes()) == render
        True
    """

    status: Status
    image: Image.Image | None = field(default=None, repr=False)
    message: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    facts: Facts | None = field(default=None, repr=False)
    note: str = ""
    embedded_bytes: int = 0
    prefixes: tuple[tuple[int, Image.Image], ...] = field(default=(), repr=False)

    def __reduce__(self) -> tuple[Callable[[bytes], Render], tuple[bytes]]:
        """Pickle the compressed form, which is what should travel to another process or node."""
        return _unpacked, (self.to_bytes(),)

    @property
    def ok(self) -> bool:
        """Whether there is an image."""
        return self.status is Status.OK

    def to_bytes(self) -> bytes:
        """Return the render, its image losslessly compressed, for another process."""
        from vincicoder.images import compressed

        header = {
            "status": self.status.value,
            "message": self.message,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "facts": self.facts.to_json() if self.facts is not None else None,
            "note": self.note,
            "embedded_bytes": self.embedded_bytes,
        }
        text = json.dumps(header).encode("ascii")
        return _HEADER_LENGTH.pack(len(text)) + text + (compressed(self.image) if self.image is not None else b"")

    @classmethod
    def from_bytes(cls, data: bytes) -> Render:
        """Return the render that ``to_bytes`` of another process packed.

        Args:
            data: What ``to_bytes`` returned.

        Raises:
            ValueError: The data do not come from ``to_bytes``, or their facts break the schema.
        """
        from vincicoder.images import open_image

        try:
            start = _HEADER_LENGTH.size + _HEADER_LENGTH.unpack_from(data)[0]
            header = json.loads(data[_HEADER_LENGTH.size : start])
            status, facts = Status(header.pop("status")), header.pop("facts")
            image = open_image(data[start:]).convert("RGB") if status is Status.OK else None
            return cls(status, image, facts=Facts.from_json(facts) if facts is not None else None, **header)
        except Exception as error:  # decoders raise errors of any kind on damaged files
            raise ValueError(f"these bytes are not a render: {error}") from error


def _unpacked(content: bytes) -> Render:
    # A function of the module, as Ray would send a class method by value, with all that it refers to.
    return Render.from_bytes(content)
