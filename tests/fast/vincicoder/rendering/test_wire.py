"""Messages survive the stream, and what is not a message is refused."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from vincicoder.rendering.sandbox import wire


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_messages_survive_any_cut(step: int) -> None:
    messages = [{"a": 1}, {}, {"code": "中文\ud800\x00" * 50}, {"b": [1.5, None, True]}]
    stream = b"".join(map(wire.pack, messages))
    inbox = wire.Inbox()
    found = [message for at in range(0, len(stream), step) for message in inbox.feed(stream[at : at + step])]
    assert found == messages
    assert inbox.missing == 4


def framed(body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        framed(b""),
        framed(b"{"),
        framed(b"[1]"),
        framed(b"null"),
        framed(b"\xff\xfe\xfd\x01"),
        framed(b'{"a":' + b"9" * 5000 + b"}"),
        framed(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        framed(b'{"a":' + b"[" * 200_000),
    ],
)
def test_garbage_is_a_wire_error(data: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.Inbox().feed(data)


def test_a_child_is_given_a_smaller_limit() -> None:
    with pytest.raises(wire.WireError, match="exceeds 10"):
        wire.Inbox(max_bytes=10).feed(struct.pack("!I", 11))


def test_receive_ends_with_the_stream_and_takes_no_byte_too_many() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        first, second = {"code": "x" * 300_000}, {"n": 2}
        sender = threading.Thread(target=lambda: (wire.send(theirs, first), wire.send(theirs, second), theirs.close()))
        sender.start()
        assert wire.receive(ours) == first
        assert wire.receive(ours) == second
        assert wire.receive(ours) is None
        sender.join()


def test_a_child_tells_its_times_in_one_word_that_no_other_resembles() -> None:
    word = wire.opened(0.0123456, 7.5)
    assert wire.use_in(word) == (0.0123456, 7.5)
    assert len(word) == wire.WORD_BYTES
    assert word not in (wire.DONE, wire.FAILED)
