"""A channel ends the conversations of its own jobs, and no others."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from vincicoder.rendering.sandbox import wire
from vincicoder.rendering.sandbox.channel import Channel, ServerDied, socket_pairs


class Line:
    """A channel to a server that a test plays."""

    def __init__(self) -> None:
        [mine], [self.server] = socket_pairs(1)
        self.ended = 0
        self.channel = Channel(mine, "line", lambda verdict, awaited: None, self._end)

    def _end(self) -> None:
        self.ended += 1

    def close(self) -> None:
        self.channel.shut_down()
        self.channel.close()
        self.server.close()


@pytest.fixture
def line() -> Iterator[Line]:
    found = Line()
    yield found
    found.close()


def submit(line: Line) -> tuple[socket.socket, socket.socket, int, object]:
    ours, theirs = socket.socketpair()
    job, verdict = line.channel.expect(ours)
    assert line.channel.send(job, theirs, 1.0)
    return ours, theirs, job, verdict


def test_a_verdict_ends_the_conversation_after_what_was_said_before(line: Line) -> None:
    ours, theirs, job, verdict = submit(line)
    theirs.sendall(b"said before")
    wire.send_packet(line.server, {"id": job, "seconds": 1.0})
    assert verdict.result(timeout=30) == {"id": job, "seconds": 1.0}  # type: ignore[attr-defined]
    ours.settimeout(30)
    assert ours.recv(99) == b"said before"
    assert ours.recv(99) == b""


def test_a_late_verdict_leaves_the_socket_alone_that_has_the_number_of_a_closed_one(line: Line) -> None:
    ours, theirs, job, verdict = submit(line)
    other, peer = socket.socketpair()
    os.dup2(other.fileno(), ours.fileno())  # which closes ours, as its owner may, and gives its number to another
    wire.send_packet(line.server, {"id": job, "seconds": 1.0})
    verdict.result(timeout=30)  # type: ignore[attr-defined]
    theirs.settimeout(30)
    assert theirs.recv(99) == b""  # the job's own conversation has ended
    peer.sendall(b"still heard")
    assert other.recv(99) == b"still heard"


def test_no_descriptor_is_left_of_jobs_that_ended_or_could_not_be_sent(line: Line) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = count()
    for _ in range(3):
        ours, theirs, job, verdict = submit(line)
        wire.send_packet(line.server, {"id": job})
        verdict.result(timeout=30)  # type: ignore[attr-defined]
        theirs.settimeout(30)
        assert theirs.recv(99) == b""
        ours.close()
        theirs.close()
    line.server.close()
    line.channel._reader.join(timeout=30)
    ours, theirs = socket.socketpair()
    job, _ = line.channel.expect(ours)
    assert not line.channel.send(job, theirs, 1.0)
    ours.close()
    theirs.close()
    assert count() <= before - 1  # the server's end


def test_who_waits_when_the_server_ends_is_told_and_waits_no_longer(line: Line) -> None:
    ours, theirs, _, verdict = submit(line)
    line.server.close()
    with pytest.raises(ServerDied):
        verdict.result(timeout=30)  # type: ignore[attr-defined]
    ours.settimeout(30)
    assert ours.recv(99) == b""
    assert line.ended == 1
    theirs.close()
