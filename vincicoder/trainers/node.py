"""One reward per node, for all processes of a job on it.

Under ``torchrun`` every rank calls its reward functions for its own responses. If each built a ``VisualReward``, eight
ranks would start eight pools of render workers, sized to all cores each, and load the encoder eight times. So the first
rank that scores starts a process that holds the only one, and all ranks talk to it through a Unix socket. It ends by
itself when the last of them is gone.

Messages are JSON and image bytes, see `vincicoder.reward.codec`; the processes prove to each other that they know the
user's key before the first one, as any process on the machine can reach the socket.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gc
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder import errors, registry
from vincicoder._version import __version__
from vincicoder.errors import ScoringUnavailable, TargetError, VinciCoderError
from vincicoder.options import from_flat, to_flat
from vincicoder.rendering import Render
from vincicoder.reward import RewardRequest, RewardResult, Totals
from vincicoder.reward.codec import (
    Attachments,
    pack,
    request_from_header,
    request_to_header,
    result_fields,
    result_from_fields,
    unpack,
)
from vincicoder.reward.combine import measuring, rewarded
from vincicoder.reward.config import RewardConfig
from vincicoder.status import Status
from vincicoder.trainers.groups import Group, Groups
from vincicoder.trainers.node_socket import connect, node_key, proves_itself

if TYPE_CHECKING:
    from vincicoder.reward import VisualReward
    from vincicoder.trainers.groups import Scores

Message = tuple[dict[str, Any], list[bytes]]
"""A header and its attachments."""

_LINGER = 5.0  # seconds that a server outlives its last client
_PAUSES = (0.0, 0.5, 2.0)  # seconds before each attempt; a dying server may take a connection before it is gone
_DIED = (
    "the node's reward process died again and again, with {left}; was it killed for its memory? The kernel's log "
    "(dmesg) would say so; fewer workers or a smaller memory_mb need less."
)
_JOB = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT")


class NodeReward:
    """The node's reward, seen from one process: a `Scorer`, and the `Board` of the node's ranks. Thread-safe.

    Results come without their render unless ``keep_renders`` says otherwise, and then in compressed form. Processes of
    one job that measure the same share one reward; each applies its own weights. Its encoder uses every GPU that the
    first of them sees, unless ``device`` says otherwise.

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
        if config.encoder.device is None:  # one process encodes for all ranks
            config = dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, device="all"))
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
            attachments = Attachments()
            headers: dict[int, dict[str, Any]] = {}
            for index, request in list(left.items()):
                sent = _sent(request, attachments)
                if isinstance(sent, RewardResult):
                    del left[index]
                    yield index, rewarded(sent, self.config.scoring, request)
                else:
                    headers[index] = sent
            indices = list(headers)
            try:
                call = {"call": "stream", "requests": list(headers.values())}
                for answer, attached in self._ask(call, attachments.contents):
                    index = indices[answer["index"]]
                    result = result_from_fields(answer["result"], attached[0] if attached else None)
                    yield index, rewarded(result, self.config.scoring, left.pop(index))
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
        _, [content] = self._answer_of({"call": "render", "code": code, "language": language})
        return Render.from_bytes(content)

    def totals(self) -> Totals:
        """Return what the node's process has done since it started.

        Raises:
            VinciCoderError: Building the reward raised it.
            ScoringUnavailable: The node's process died, and its successors too.
        """
        answer, _ = self._answer_of({"call": "totals"})
        return Totals(**answer["totals"])

    def begin(self, uids: Sequence[str]) -> None:
        """Note that the scoring of one response of each group begins."""
        self._tell({"call": "begin", "uids": list(uids)})

    def finish(self, uid: str, scores: Scores | None) -> None:
        """Note that the scoring of a response is over; without scores if it could not be judged."""
        self._tell({"call": "finish", "uid": uid, "scores": dict(scores) if scores is not None else None})

    def find(self, uids: Sequence[str]) -> dict[str, Group]:
        """Return what is known of groups; nothing if the node's process is gone."""
        answer = self._tell({"call": "find", "uids": list(uids)})
        return {uid: Group(**group) for uid, group in answer["groups"]} if answer is not None else {}

    def close(self) -> None:
        """Let go of the node's process; it ends when all others have too."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _tell(self, call: Mapping[str, Any]) -> dict[str, Any] | None:
        """Have the node's groups answer a call. A process that died takes what it knew along."""
        try:
            [(answer, _)] = self._ask(call)
        except (EOFError, ConnectionError):
            return None
        return answer

    def _answer_of(self, call: Mapping[str, Any]) -> Message:
        """Return the one answer of the node's reward to a call, asked again if its process dies."""
        for pause in _PAUSES:
            time.sleep(pause)
            with contextlib.suppress(EOFError, ConnectionError):
                [answer] = self._ask(call)
                return answer
        raise ScoringUnavailable(_DIED.format(left=f"one call of {call['call']} left to answer"))

    def _ask(self, call: Mapping[str, Any], attached: Sequence[bytes] = ()) -> Iterator[Message]:
        """Have the node's process answer a call of its reward or of its groups, and yield the answers."""
        connection = self._take()
        finished = False
        try:
            connection.send_bytes(pack(call, attached))
            while not (answer := unpack(connection.recv_bytes()))[0].get("end"):
                if "error" in answer[0]:
                    raise _ERRORS[answer[0]["error"]](answer[0]["message"])
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
            return connect(self._address)
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
                return connect(self._address)
            time.sleep(0.1)  # another process's server has the address and is about to listen
        raise ScoringUnavailable(
            f"the node's reward process did not start; it ended with code {self._server.poll()}, and said why above"
        )


_ERRORS: dict[str, type[VinciCoderError]] = {
    name: error
    for name, error in vars(errors).items()
    if isinstance(error, type) and issubclass(error, VinciCoderError)
}


def _sent(request: RewardRequest, attachments: Attachments) -> dict[str, Any] | RewardResult:
    """Return a request as it is sent, or its result if its target or metadata cannot be sent."""
    try:
        return request_to_header(request, attachments)
    except TargetError as error:
        return RewardResult.failed(request, Status.BAD_TARGET, str(error))
    except ValueError as error:
        return RewardResult.failed(request, Status.BAD_REQUEST, f"its metadata cannot be sent: {error}")


class _Server:
    """Hold the reward and the groups, and serve each client in a thread of its own."""

    def __init__(self, listener: Listener, options: Mapping[str, Any]) -> None:
        self._listener = listener
        self._options = options
        self._key = node_key()
        self._calls: dict[str, Callable[[Mapping[str, Any], Sequence[bytes]], Iterator[bytes]]] = {
            "stream": self._stream,
            "render": self._render,
            "totals": self._totals,
            "begin": self._begin,
            "finish": self._finish,
            "find": self._find,
        }
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
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: Connection[Any, Any]) -> None:
        # The proof is asked for in this thread, where somebody who never answers holds up nobody.
        with connection, contextlib.suppress(EOFError, ConnectionError):
            if proves_itself(connection, self._key):
                with self._counted():
                    while True:
                        self._answer(connection, connection.recv_bytes())

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a client as long as it is connected."""
        with self._changed:
            self._clients += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._clients -= 1
                self._changed.notify_all()

    def _answer(self, connection: Connection[Any, Any], message: bytes) -> None:
        try:
            call, attached = unpack(message)
            for answer in self._calls[call["call"]](call, attached):
                connection.send_bytes(answer)
        except ConnectionError:
            raise
        except VinciCoderError as error:
            known = next(each.__name__ for each in type(error).__mro__ if each.__name__ in _ERRORS)
            connection.send_bytes(pack({"error": known, "message": str(error)}))
        except Exception as error:  # noqa: BLE001 - the client must hear of it
            message_of = f"the node's reward failed: {type(error).__name__}: {error}"
            connection.send_bytes(pack({"error": ScoringUnavailable.__name__, "message": message_of}))
        else:
            connection.send_bytes(pack({"end": True}))

    def _stream(self, call: Mapping[str, Any], attached: Sequence[bytes]) -> Iterator[bytes]:
        requests = [request_from_header(each, attached) for each in call["requests"]]
        for index, result in self._built().stream(requests):
            content = result.packed().render_bytes
            yield pack({"index": index, "result": result_fields(result)}, [] if content is None else [content])

    def _render(self, call: Mapping[str, Any], _: Sequence[bytes]) -> Iterator[bytes]:
        yield pack({}, [self._built().render(call["code"], call["language"]).to_bytes()])

    def _totals(self, _: Mapping[str, Any], __: Sequence[bytes]) -> Iterator[bytes]:
        yield pack({"totals": dataclasses.asdict(self._built().totals())})

    def _begin(self, call: Mapping[str, Any], _: Sequence[bytes]) -> Iterator[bytes]:
        self._groups.begin(call["uids"])
        yield pack({})

    def _finish(self, call: Mapping[str, Any], _: Sequence[bytes]) -> Iterator[bytes]:
        self._groups.finish(call["uid"], call["scores"])
        yield pack({})

    def _find(self, call: Mapping[str, Any], _: Sequence[bytes]) -> Iterator[bytes]:
        found = self._groups.find(call["uids"])
        yield pack({"groups": [(uid, dataclasses.asdict(group)) for uid, group in found.items()]})

    def _built(self) -> VisualReward:
        from vincicoder.reward import VisualReward

        with self._building:
            if self._reward is None:
                self._reward = VisualReward.from_options(self._options)
                gc.freeze()  # what was loaded stays, so that looking through it for garbage is in vain
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
