"""One reward per node, for all processes of a job on it.

Under ``torchrun`` every rank calls its reward functions for its own responses. If each built a ``VisualReward``, eight
ranks would start eight pools of render workers, sized to all cores each, and load the encoder eight times. So the first
rank that scores starts a process that holds the only one, and all ranks talk to it through a Unix socket. It ends by
itself when the last of them is gone.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vincicoder import registry
from vincicoder._version import __version__
from vincicoder.errors import ScoringUnavailable, VinciCoderError
from vincicoder.options import from_flat, to_flat
from vincicoder.reward.combine import measuring, rewarded
from vincicoder.reward.config import RewardConfig
from vincicoder.trainers.groups import Groups

if TYPE_CHECKING:
    from vincicoder.rendering import Render
    from vincicoder.reward import RewardRequest, RewardResult, Totals, VisualReward
    from vincicoder.trainers.groups import Group, Scores

_LINGER = 5.0  # seconds that a server outlives its last client
_PAUSES = (0.0, 0.5, 2.0)  # seconds before each attempt; a dying server may take a connection before it is gone
_END = "end of answers"
_DIED = (
    "the node's reward process died again and again, with {left}; was it killed for its memory? The kernel's log "
    "(dmesg) would say so; fewer workers or a smaller memory_mb need less."
)
_JOB = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT")


class NodeReward:
    """The node's reward, seen from one process: a `Scorer`, and the `Board` of the node's ranks. Thread-safe.

    Results come without their render unless ``keep_renders`` says otherwise, and then in compressed form. Processes of
    one job that measure the same share one reward; each applies its own weights.

    Attributes:
        config: What it was told.

    Args:
        options: Options of ``VisualReward``.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.

    Example:
        >>> from vincicoder import RewardRequest
        >>> node = NodeReward({"encoder": "embedded"})
        >>> request = RewardRequest("no code", "chart.png", language="svg")
        >>> [(index, result)] = node.stream([request])  # doctest: +SKIP
    """

    shared = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        config = from_flat(RewardConfig, {"keep_renders": "none", **options})
        self.config = config
        self._options = json.dumps(to_flat(measuring(config)), sort_keys=True)
        identity = [self._options, __version__, *(os.environ.get(name, "") for name in _JOB)]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
        self._address = f"vincicoder-{os.getuid()}-{digest}"
        self._lock = threading.Lock()
        self._idle: list[Connection[Any, Any]] = []
        self._server: subprocess.Popen[bytes] | None = None

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish.

        Raises:
            VinciCoderError: Building the reward raised it.
            ScoringUnavailable: The node's process died, and its successors too.
        """
        left = dict(enumerate(requests))
        for pause in _PAUSES:
            time.sleep(pause)
            indices = list(left)
            try:
                for position, result in self._ask("stream", [left[index] for index in indices]):
                    del left[indices[position]]
                    yield indices[position], rewarded(result, self.config.scoring)
                return
            except (EOFError, ConnectionError):
                continue
        raise ScoringUnavailable(_DIED.format(left=f"{len(left)} responses left to score"))

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does.

        Raises:
            VinciCoderError: Building the reward raised it.
            ScoringUnavailable: The node's process died, and its successors too.
        """
        return cast("Render", self._answer_of("render", code, language))

    def totals(self) -> Totals:
        """Return what the node's process has done since it started.

        Raises:
            VinciCoderError: Building the reward raised it.
            ScoringUnavailable: The node's process died, and its successors too.
        """
        return cast("Totals", self._answer_of("totals"))

    def begin(self, uids: Sequence[str]) -> None:
        """Note that the scoring of one response of each group begins."""
        self._tell("begin", uids)

    def finish(self, uid: str, scores: Scores | None) -> None:
        """Note that the scoring of a response is over; without scores if it could not be judged."""
        self._tell("finish", uid, scores)

    def find(self, uids: Sequence[str]) -> dict[str, Group]:
        """Return what is known of groups; nothing if the node's process is gone."""
        return self._tell("find", uids) or {}

    def close(self) -> None:
        """Let go of the node's process; it ends when all others have too."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _tell(self, name: str, *arguments: Any) -> Any:
        """Call a method of the node's groups. A process that died takes what it knew along."""
        try:
            [answer] = self._ask(name, *arguments)
        except (EOFError, ConnectionError):
            return None
        return answer

    def _answer_of(self, name: str, *arguments: Any) -> Any:
        """Return the one answer of a method of the node's reward, asked again if its process dies."""
        for pause in _PAUSES:
            time.sleep(pause)
            with contextlib.suppress(EOFError, ConnectionError):
                [answer] = self._ask(name, *arguments)
                return answer
        raise ScoringUnavailable(_DIED.format(left=f"one call of {name} left to answer"))

    def _ask(self, name: str, *arguments: Any) -> Iterator[Any]:
        """Have the node's process call a method of its reward or of its groups, and yield the answers."""
        connection = self._take()
        finished = False
        try:
            connection.send((name, arguments))
            while (answer := connection.recv()) != _END:
                if isinstance(answer, Exception):
                    raise answer
                yield answer
            finished = True
        except (EOFError, ConnectionError):
            self.close()  # the other connections lead to the same dead process
            raise
        finally:
            if finished:
                with self._lock:
                    self._idle.append(connection)  # kept open: it is what the server counts as a client
            else:
                connection.close()

    def _take(self) -> Connection[Any, Any]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return _connect(self._address)
        except ConnectionRefusedError:
            return self._start()

    def _start(self) -> Connection[Any, Any]:
        """Start the server and connect. Of several processes that do so at once, one gets the address."""
        package = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__, self._address, self._options],
            env={**os.environ, "PYTHONPATH": paths, **registry.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the ranks; the server follows them
        )
        assert self._server.stdout is not None
        self._server.stdout.readline()  # returns when the server listens, or has ended
        for _ in range(50):
            with contextlib.suppress(ConnectionRefusedError):
                return _connect(self._address)
            time.sleep(0.1)  # another process's server has the address and is about to listen
        raise ScoringUnavailable(
            f"the node's reward process did not start; it ended with code {self._server.poll()}, and said why above"
        )


def _connect(address: str) -> Connection[Any, Any]:
    connection = Client(f"\0{address}", "AF_UNIX")
    if _peer(connection) != os.getuid():
        connection.close()
        raise ScoringUnavailable(f"the socket @{address} belongs to another user of this machine")
    return connection


def _peer(connection: Connection[Any, Any]) -> int:
    """Return the user at the other end; abstract sockets have no file whose mode could keep others out."""
    with socket.socket(fileno=os.dup(connection.fileno())) as end:
        credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", credentials)[1]
    return user


class _Server:
    """Holds the reward and the groups, and one thread per client."""

    def __init__(self, listener: Listener, options: Mapping[str, Any]) -> None:
        self._listener = listener
        self._options = options
        self._reward: VisualReward | None = None
        self._groups = Groups()
        self._building = threading.Lock()
        self._clients = 0
        self._changed = threading.Condition()

    def run(self) -> None:
        """Serve until the last client has been gone for a while."""
        threading.Thread(target=self._accept, daemon=True).start()
        with self._changed:
            while self._clients or self._changed.wait(_LINGER):
                if self._clients:
                    self._changed.wait()
        if self._reward is not None:
            self._reward.close()

    def _accept(self) -> None:
        while True:
            connection = self._listener.accept()
            if _peer(connection) != os.getuid():
                connection.close()
                continue
            with self._changed:
                self._clients += 1
                self._changed.notify_all()
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: Connection[Any, Any]) -> None:
        with connection, contextlib.suppress(EOFError, ConnectionError):
            while True:
                name, arguments = connection.recv()
                self._answer(connection, name, arguments)
        with self._changed:
            self._clients -= 1
            self._changed.notify_all()

    def _answer(self, connection: Connection[Any, Any], name: str, arguments: Sequence[Any]) -> None:
        try:
            for answer in self._call(name, arguments):
                connection.send(answer)
        except ConnectionError:
            raise
        except VinciCoderError as error:
            connection.send(error)
        except Exception as error:  # noqa: BLE001 - the client must hear of it, and may not be able to unpickle it
            connection.send(ScoringUnavailable(f"the node's reward failed: {type(error).__name__}: {error}"))
        else:
            connection.send(_END)

    def _call(self, name: str, arguments: Sequence[Any]) -> Iterable[Any]:
        if name == "stream":
            return ((index, result.packed()) for index, result in self._built().stream(*arguments))
        return [getattr(self._groups if hasattr(Groups, name) else self._built(), name)(*arguments)]

    def _built(self) -> VisualReward:
        from vincicoder.reward import VisualReward

        with self._building:
            if self._reward is None:
                self._reward = VisualReward.from_options(self._options)
            return self._reward


def _main(address: str, options: str) -> None:
    try:
        listener = Listener(f"\0{address}", "AF_UNIX", backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:  # another rank's server was first
            return
        raise
    print("listening", flush=True)
    _Server(listener, json.loads(options)).run()


if __name__ == "__main__":
    _main(*sys.argv[1:])
