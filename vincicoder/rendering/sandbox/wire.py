"""What a client, its fork server and their children say to each other.

A job never passes through the fork server, whose memory every later child inherits. The client makes a pair of stream
sockets for each job and hands one end on: to the server, which hands it to a child. Code and result travel on it, as
length-prefixed JSON. The server itself sends and receives packets of a fixed vocabulary: numbers, times, endings.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_HEADER = struct.Struct("!I")
MAX_BYTES = 64 << 20
CHILD_MAX_BYTES = 16 << 20  # what a confined child may say at once

PACKET_BYTES = 1 << 16  # longest packet between client and server

DONE, FAILED = b"k", b"f"
"""What a child tells its server of a job: it has answered with an image; it has answered without one."""

_OPENED = struct.Struct("!dd")
WORD_BYTES = _OPENED.size

Message = dict[str, Any]


class WireError(Exception):
    """The peer sent something that is not a message."""


def opened(cpu_seconds: float, waited_seconds: float) -> bytes:
    """Return what a child tells its server when it is ready: what it used until then, and how long it had no CPU."""
    return _OPENED.pack(cpu_seconds, waited_seconds)


def use_in(word: bytes) -> tuple[float, float]:
    """Return the two times in `opened`."""
    return _OPENED.unpack(word)


def pack(message: Message) -> bytes:
    """Return the bytes of one message."""
    body = json.dumps(message, ensure_ascii=True).encode("ascii")
    return _HEADER.pack(len(body)) + body


def fits(code: str) -> bool:
    """Return whether a job with this code is not too long for a message."""
    if len(code) < MAX_BYTES // 16:  # JSON makes twelve bytes of a character at the most
        return True
    return len(json.dumps(code, ensure_ascii=True)) < MAX_BYTES - PACKET_BYTES


def send(sock: socket.socket, message: Message) -> None:
    """Send one message on a blocking socket."""
    sock.sendall(pack(message))


def send_packet(sock: socket.socket, message: Message, *fds: int) -> None:
    """Send one packet, with descriptors if any, on a blocking SOCK_SEQPACKET socket."""
    body = json.dumps(message, ensure_ascii=True).encode("ascii")
    if fds:
        socket.send_fds(sock, [body], fds)
    else:
        sock.send(body)


def receive_packet(sock: socket.socket) -> tuple[Message | None, list[int]]:
    """Receive one packet and its descriptors from a blocking SOCK_SEQPACKET socket; None at the end."""
    body, fds, _, _ = socket.recv_fds(sock, PACKET_BYTES, 1)
    return (_parse(body) if body else None), fds


def receive(sock: socket.socket, max_bytes: int = MAX_BYTES) -> Message | None:
    """Receive one message from a blocking stream socket; None at the end of the stream."""
    inbox = Inbox(max_bytes)
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
