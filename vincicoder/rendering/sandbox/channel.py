"""A client's line to one server: sockets of jobs go out, verdicts come in."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from . import wire


class ServerDied(Exception):
    """A fork server ended with work unfinished; the work can be done again by another."""


class Channel:
    """Send jobs to a server from any thread, and receive its verdicts in a thread of its own.

    Args:
        sock: Packets to and from the server.
        name: Of the thread.
        entered: Called with each verdict, and whether somebody waits for it, before that one hears of it.
        ended: Called when the server has ended, before those who wait for it hear of it.
    """

    def __init__(
        self,
        sock: socket.socket,
        name: str,
        entered: Callable[[wire.Message, bool], None],
        ended: Callable[[], None],
    ) -> None:
        self._sock = sock
        self._entered, self._ended = entered, ended
        self._lock = threading.Lock()
        self._send_lock = threading.Lock()  # apart, since the reader must go on while a long job is being sent
        self._pending: dict[int, tuple[Future[wire.Message], socket.socket]] = {}
        self._serial = 0
        self._reader = threading.Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    @property
    def load(self) -> int:
        """How many jobs its server has."""
        return len(self._pending)

    def expect(self, ours: socket.socket) -> tuple[int, Future[wire.Message]]:
        """Return the number for a new job, and the future of its verdict; with that, ``ours`` is shut down.

        It is shut down by a descriptor of the reader's own. By that of its owner, who may close it at any moment, the
        reader could shut down the socket of another job, which is given the same number.
        """
        verdict: Future[wire.Message] = Future()
        with self._lock:
            self._serial += 1
            self._pending[self._serial] = verdict, ours.dup()
            return self._serial, verdict

    def send(self, job: int, theirs: socket.socket, cpu_seconds: float) -> bool:
        """Hand one end of the job's socket to the server; return whether there still is one."""
        try:
            with self._send_lock:
                wire.send_packet(self._sock, {"id": job, "cpu_seconds": cpu_seconds}, theirs.fileno())
        except OSError:
            with self._lock:
                found = self._pending.pop(job, None)
            if found is not None:
                found[1].close()
            return False
        return True

    def shut_down(self) -> None:
        """Tell the server to end."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Wait for the reader, and close the socket."""
        self._reader.join(timeout=10)
        self._sock.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError, wire.WireError):
            while (message := wire.receive_packet(self._sock)[0]) is not None:
                with self._lock:
                    found = self._pending.pop(message["id"], None)
                self._entered(message, found is not None)
                if found is not None:
                    verdict, sock = found
                    verdict.set_result(message)
                    _shut_down(sock)  # what the child wrote before can still be read
        self._ended()
        with self._lock:
            orphans, self._pending = self._pending, {}
        for verdict, sock in orphans.values():
            verdict.set_exception(ServerDied("the fork server ended with work unfinished"))
            _shut_down(sock)


def _shut_down(sock: socket.socket) -> None:
    with sock, contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def socket_pairs(count: int) -> tuple[list[socket.socket], list[socket.socket]]:
    """Return the ends of socket pairs, ours and theirs."""
    ours: list[socket.socket] = []
    theirs: list[socket.socket] = []
    try:
        for _ in range(count):
            mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.append(mine)
            theirs.append(other)
    except OSError:
        close_all([*ours, *theirs])
        raise
    return ours, theirs


def close_all(socks: Sequence[socket.socket]) -> None:
    """Close sockets."""
    for sock in socks:
        sock.close()
