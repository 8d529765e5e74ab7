"""The socket between the processes of one user, and the secret that they prove to each other before they talk.

Any process on the machine can reach an abstract socket. The secret never travels: each side answers the other's
challenge with a digest.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
import struct
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from vincicoder.errors import ScoringUnavailable

_BYTES = 32
_PATIENCE_SECONDS = 5.0  # for another process that is writing it


def node_key() -> bytes:
    """Return this user's key, made by the first process that asks.

    It is in ``$XDG_STATE_HOME/vincicoder/node-key`` (by default under ``~/.local/state``), or in the directory for
    temporary files where there is no home to write to. Confined renderers can read neither.

    Raises:
        ScoringUnavailable: It can be written nowhere, or others can read or could have written it.
    """
    reasons = []
    for directory in _directories():
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return _key_in(directory / "node-key")
        except OSError as error:  # noqa: PERF203 - two directories at most
            reasons.append(str(error))
    raise ScoringUnavailable(f"the key of the node's processes cannot be kept: {'; '.join(reasons)}")


def connect(address: str) -> Connection[Any, Any]:
    """Connect to the process that listens on an abstract socket, once both have proved that they know the key.

    Raises:
        ConnectionRefusedError: Nobody listens.
        ScoringUnavailable: Who listens belongs to another user, or has another key.
    """
    connection = Client(f"\0{address}", "AF_UNIX")
    try:
        if _peer(connection) != os.getuid():
            raise ScoringUnavailable(f"the socket @{address} belongs to another user of this machine")
        key = node_key()
        answer_challenge(connection, key)
        deliver_challenge(connection, key)
    except AuthenticationError as error:
        connection.close()
        raise ScoringUnavailable(
            f"the process that listens on @{address} has another key than this one; do both have the same HOME and "
            "XDG_STATE_HOME?"
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def proves_itself(connection: Connection[Any, Any], key: bytes) -> bool:
    """Return whether who has connected is this user's and knows the key, and prove the same to them."""
    if _peer(connection) != os.getuid():
        return False
    try:
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
    except (AuthenticationError, OSError):  # an answer that is too long is an OSError
        return False
    return True


def _peer(connection: Connection[Any, Any]) -> int:
    """Return the user at the other end; abstract sockets have no file whose mode could keep others out."""
    with socket.socket(fileno=os.dup(connection.fileno())) as end:
        credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", credentials)[1]
    return user


def _directories() -> Iterator[Path]:
    with contextlib.suppress(RuntimeError):  # this user has no home
        yield Path(os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()) / "vincicoder"
    yield Path(tempfile.gettempdir()) / f"vincicoder-key-{os.getuid()}"


def _key_in(path: Path) -> bytes:
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise ScoringUnavailable(f"{path} must be a file of this user that nobody else can read; delete it")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(key := os.pread(file.fileno(), _BYTES, 0)) < _BYTES:
            if time.monotonic() > deadline:
                raise ScoringUnavailable(f"{path} is no key of {_BYTES} bytes; delete it, and it is made anew")
            time.sleep(0.05)
    return key
