"""Messages between a client, its fork servers and their children: length-prefixed JSON on a stream socket."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_HEADER = struct.Struct("!I")
MAX_BYTES = 64 << 20
CHILD_MAX_BYTES = 16 << 20  # what a confined child may say at once

Message = dict[str, Any]


class WireError(Exception):
    """The peer sent something that is not a message."""


def pack(message: Message) -> bytes:
    """Return the bytes of one message."""
    body = json.dumps(message, ensure_ascii=True).encode("ascii")
    return _HEADER.pack(len(body)) + body


def send(sock: socket.socket, message: Message) -> None:
    """Send one message on a blocking socket."""
    sock.sendall(pack(message))


def receive(sock: socket.socket) -> Message | None:
    """Receive one message from a blocking socket; None at the end of the stream."""
    inbox = Inbox()
    while True:
        data = sock.recv(1 << 16 if inbox.missing > 1 << 16 else inbox.missing)
        if not data:
            return None
        for message in inbox.feed(data):
            return message


class Inbox:
    """Collect bytes and give out whole messages.

    Args:
        max_bytes: Longest acceptable message. A confined child is given a small one.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._buffer = bytearray()
        self._max_bytes = max_bytes

    @property
    def missing(self) -> int:
        """The number of bytes that the next message, or its header, still lacks."""
        if len(self._buffer) < _HEADER.size:
            return _HEADER.size - len(self._buffer)
        return _HEADER.size + self._length() - len(self._buffer)

    def _length(self) -> int:
        return int(_HEADER.unpack_from(self._buffer)[0])

    def feed(self, data: bytes) -> list[Message]:
        """Add bytes and return the messages that they complete.

        Raises:
            WireError: If the stream is not made of JSON objects, or one is too long.
        """
        self._buffer += data
        messages = []
        while len(self._buffer) >= _HEADER.size:
            length = self._length()
            if length > self._max_bytes:
                raise WireError(f"a message of {length} bytes exceeds {self._max_bytes}")
            if self.missing > 0:
                break
            body = bytes(self._buffer[_HEADER.size : _HEADER.size + length])
            del self._buffer[: _HEADER.size + length]
            messages.append(_parse(body))
        return messages


def _parse(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise WireError("not a JSON object")
    return message
