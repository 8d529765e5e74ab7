"""Requests and results as JSON and bytes, for another process. Nothing is pickled, so nothing can run on arrival.

A message is a JSON header and any number of attachments, such as image files::

    length of the header (4 bytes, big-endian) | header (ASCII) | attachment | attachment ...

The header's ``"attached"`` has the length of each.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vincicoder.images import TargetLike, open_target, unwrapped
from vincicoder.reward.result import PrefixScore, RewardRequest, RewardResult
from vincicoder.status import Status

_LENGTH = struct.Struct("!I")


class Attachments:
    """The bytes that go along with a message; what several requests share goes once."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self._places: dict[int, int] = {}

    def add(self, shared: object, content: Callable[[], bytes]) -> int:
        """Return the place of an object's bytes; ``content`` is called where they are not attached yet.

        The caller keeps ``shared`` alive until the message is packed.
        """
        if id(shared) not in self._places:
            self.contents.append(content())
            self._places[id(shared)] = len(self.contents) - 1
        return self._places[id(shared)]


def pack(header: Mapping[str, Any], attached: Sequence[bytes] = ()) -> bytes:
    """Return a message.

    Raises:
        ValueError: The header holds itself, is nested too deeply, or has keys that JSON does not know.

    Example:
        >>> unpack(pack({"call": "render"}, [b"image"]))
        ({'call': 'render', 'attached': [5]}, [b'image'])
    """
    text = _json({**header, "attached": [len(each) for each in attached]}).encode("ascii")
    return b"".join([_LENGTH.pack(len(text)), text, *attached])


def unpack(message: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Return the header and the attachments of a message.

    Raises:
        ValueError: The bytes are no message.
    """
    try:
        start = _LENGTH.size + _LENGTH.unpack_from(message)[0]
        header: dict[str, Any] = json.loads(message[_LENGTH.size : start].decode("ascii"))
        attached = []
        for length in header["attached"]:
            attached.append(message[start : start + length])
            start += length
    except (struct.error, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"these bytes are no message: {error}") from error
    if start != len(message):
        raise ValueError(f"these bytes are no message: they are {len(message):,}; the header says {start:,}")
    return header, attached


def request_fields(request: RewardRequest) -> dict[str, Any]:
    """Return everything but the target, ready for JSON. Metadata that JSON does not know becomes text.

    Raises:
        ValueError: The metadata hold themselves, are nested too deeply, or have keys that JSON does not know.
    """
    return {
        "response": request.response,
        "language": request.language,
        "prompt": request.prompt,
        "id": request.id,
        "reference": request.reference,
        "metadata": json.loads(_json(dict(request.metadata))),
    }


def request_to_header(request: RewardRequest, attachments: Attachments) -> dict[str, Any]:
    """Return a request for the header of a message to another process of this machine.

    Paths and text go as they are, file contents as attachments, images and arrays as attached RGB pixels.

    Raises:
        TargetError: The target is not a readable image.
        ValueError: The metadata cannot be sent; see `request_fields`.
    """
    return {**request_fields(request), "target": _target_to_header(request.target, attachments)}


def request_from_header(header: Mapping[str, Any], attached: Sequence[bytes]) -> RewardRequest:
    """Return the request that `request_to_header` of another process made."""
    return RewardRequest(**{**header, "target": _target_from_header(header["target"], attached)})


def result_fields(result: RewardResult) -> dict[str, Any]:
    """Return everything but the render, ready for JSON, with no number rounded."""
    names = [name for name in RewardResult.__dataclass_fields__ if name not in ("render", "render_bytes")]
    return {name: getattr(result, name) for name in names} | {"status": result.status.value}


def result_from_fields(fields: Mapping[str, Any], render_bytes: bytes | None) -> RewardResult:
    """Return the result of `result_fields` or ``RewardResult.to_dict``, as it was in the other process.

    Args:
        fields: What JSON gave back. Keys that are no fields of a result are left out.
        render_bytes: The render as a compressed file, or None.
    """
    known = {name: fields[name] for name in RewardResult.__dataclass_fields__ if name in fields}
    known |= {
        "status": Status(fields["status"]),
        "grid": tuple(fields["grid"]) if fields["grid"] else None,
        "tiles": tuple(fields["tiles"]),
        "prefixes": tuple(PrefixScore(*each) for each in fields.get("prefixes", ())),
        "render": None,
        "render_bytes": render_bytes,
    }
    return RewardResult(**known)


def _target_to_header(target: TargetLike, attachments: Attachments) -> dict[str, Any]:
    inner = unwrapped(target)
    if isinstance(inner, str):
        return {"text": inner}
    if isinstance(inner, os.PathLike):
        return {"path": os.fspath(inner)}
    if isinstance(inner, bytes | bytearray | memoryview):
        return {"content": attachments.add(inner, lambda: bytes(inner))}
    image = open_target(inner)
    return {"pixels": attachments.add(inner, image.tobytes), "size": image.size}


def _target_from_header(header: Mapping[str, Any], attached: Sequence[bytes]) -> str | Path | bytes | Image.Image:
    if "text" in header:
        return str(header["text"])
    if "path" in header:
        return Path(header["path"])
    if "content" in header:
        content: bytes = attached[header["content"]]
        return content
    width, height = header["size"]
    return Image.frombytes("RGB", (width, height), attached[header["pixels"]])


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=_plain)
    except (RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"JSON cannot hold it: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return dict(value) if isinstance(value, Mapping) else str(value)
