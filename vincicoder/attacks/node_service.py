"""The node's reward process, whose abstract socket any process of the machine can reach."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import subprocess
import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from typing import Any

from vincicoder.attacks.attack import Attack, Layer, Probe, Seen, listed
from vincicoder.attacks.bait import Bait
from vincicoder.attacks.services import Services
from vincicoder.reward.codec import pack

_PATIENCE = 10.0
_CALL = pack({"call": "totals"})


class _Marks:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self._path,)


def _said(connection: Connection[Any, Any], messages: list[bytes]) -> Seen:
    """Send messages and see whether one is answered as only a known caller's is."""
    heard = []
    try:
        for message in messages:
            connection.send_bytes(message)
        while connection.poll(_PATIENCE):
            heard.append(connection.recv_bytes())
            if b"totals" in heard[-1] or b'"end"' in heard[-1]:
                return Seen(f"it was answered: {heard[-1][:80]!r}")
    except (EOFError, OSError):
        return Seen(detail="the connection was closed")
    return Seen(detail="it was not answered")


def _without_key(*messages: bytes) -> Probe:
    def probe(_: Bait, services: Services) -> Seen:
        with Client(f"\0{services.node()}", "AF_UNIX") as connection:
            return _said(connection, list(messages))

    return probe


def _pickled(bait: Bait, services: Services) -> Seen:
    with Client(f"\0{services.node()}", "AF_UNIX") as connection:
        data = pickle.dumps(("totals", _Marks(str(bait.marker))))
        return _said(connection, [data, data])


def _forged_key(_: Bait, services: Services) -> Seen:
    with Client(f"\0{services.node()}", "AF_UNIX") as connection:
        try:
            answer_challenge(connection, bytes(32))
            deliver_challenge(connection, bytes(32))
        except (AuthenticationError, EOFError, OSError) as error:
            return Seen(detail=f"{type(error).__name__}: {error}")
        return _said(connection, [_CALL])


def _reflected(_: Bait, services: Services) -> Seen:
    """Answer the challenge by having a second connection answer it: both sides know the key."""
    address = f"\0{services.node()}"
    with Client(address, "AF_UNIX") as first, Client(address, "AF_UNIX") as second:
        try:
            challenge = first.recv_bytes()
            second.recv_bytes()
            second.send_bytes(challenge)
            if not second.poll(_PATIENCE):
                return Seen(detail="the second connection did not answer")
            first.send_bytes(second.recv_bytes())
            first.recv_bytes()
        except (EOFError, OSError) as error:
            return Seen(detail=f"{type(error).__name__}: {error}")
        return _said(first, [_CALL])


def _other_user(bait: Bait, services: Services) -> Seen:
    """Connect as another user, who knows the key; only root can try."""
    code = (
        "import os, sys\nfrom multiprocessing.connection import Client\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "connection = Client('\\0' + sys.argv[1], 'AF_UNIX')\n"
        "try: print(connection.recv_bytes()[:9])\nexcept (EOFError, OSError): print('closed')"
    )
    if os.geteuid() != 0:
        return Seen(detail="only root can become another user; the check of users is the kernel's")
    done = subprocess.run(
        [sys.executable, "-c", code, services.node()], capture_output=True, text=True, timeout=60, check=False, cwd="/"
    )
    answered = "closed" not in done.stdout and "Error" not in done.stderr
    return Seen(
        f"it was asked for its key: {done.stdout}" if answered else "", done.stdout.strip() or done.stderr[-90:]
    )


def _silent(_: Bait, services: Services) -> Seen:
    """Hold connections open without a word, and see whether the next caller is still asked for its key."""
    address = f"\0{services.node()}"
    with contextlib.ExitStack() as stack:
        for _number in range(64):
            stack.enter_context(Client(address, "AF_UNIX"))
        last = stack.enter_context(Client(address, "AF_UNIX"))
        return Seen(*("", "others are served meanwhile") if last.poll(_PATIENCE) else ("nobody else is served", ""))


_ROWS: dict[str, tuple[str, Probe]] = {
    "no-key": ("call without the key", _without_key(*[_CALL] * 4)),
    "pickle": ("have a pickle of its own loaded", _pickled),
    "forged-key": ("prove that it knows a key of zeros", _forged_key),
    "reflected-key": ("have the service answer its own challenge", _reflected),
    "other-user": ("call as another user", _other_user),
    "garbage": ("send what is no message", _without_key(bytes(range(64)), b"", b"\xff" * 4096)),
    "huge-length": ("announce a message of two gigabytes", _without_key(struct.pack("!i", 0x7FFFFFFF))),
    "silence": ("hold connections and say nothing", _silent),
}

ATTACKS: tuple[Attack, ...] = listed("node", (Layer.KEY,), _ROWS)
