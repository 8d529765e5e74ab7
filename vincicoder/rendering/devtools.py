"""The protocol of Chromium's developer tools, spoken over two pipes: commands, their answers and events."""

from __future__ import annotations

import json
import os
import re
import select
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Handler = Callable[[Json, "Session"], None]

_READ_BYTES = 1 << 20
_LONGEST = 1 << 28  # bytes of one message: a few times the largest screenshot
_LOG_BYTES = 1 << 16  # what a pipe holds
_HEAD = 32  # bytes of a message that hold its number
_ANSWERED = re.compile(rb'\{"id": ?(\d+)')


class DevToolsError(Exception):
    """The browser refused a command."""


class BrowserEnded(DevToolsError):
    """The browser has ended, so that nothing answers any more."""


class Connection:
    """A running browser, as its developer tools see it.

    Commands are sent through its sessions. While one waits for its answer, events go to the handlers that ``on`` names.
    They may ``post`` commands and raise, which ends the waiting.

    Args:
        program: The browser.
        flags: What it is given on its command line.
        environment: Its environment.

    Raises:
        OSError: If the program cannot be run.
    """

    def __init__(self, program: str, flags: Sequence[str], environment: Mapping[str, str]) -> None:
        commands, self._outgoing = os.pipe()
        self._incoming, answers = os.pipe()
        self._log, log = os.pipe()
        os.set_blocking(self._log, False)
        os.set_blocking(log, False)  # nobody empties it, and pages write to it as much as they like
        numbers = {log: 2, commands: 3, answers: 4}  # where the browser expects them
        places = [(os.POSIX_SPAWN_DUP2, end, number) for end, number in numbers.items()]
        os.posix_spawn(program, [program, *flags, "--remote-debugging-pipe"], environment, file_actions=places)
        for end in numbers:
            os.close(end)
        self.ended = False
        self._serial = 0
        self._handlers: dict[str, Handler] = {}
        self._messages: deque[bytes] = deque()
        self._parts: list[bytes] = []
        self._bytes = 0

    def log(self) -> str:
        """Return the end of the first lines that the browser has logged, such as why it does not start."""
        try:
            return os.read(self._log, _LOG_BYTES)[-_LOG_BYTES // 64 :].decode("utf-8", "replace").strip()
        except BlockingIOError:
            return ""

    def on(self, event: str, handler: Handler) -> None:
        """Give each event of this name to a handler, with the session that it is about."""
        self._handlers[event] = handler

    def post(self, method: str, params: Json | None = None, session: str = "", body: bytes = b"") -> int:
        """Send a command without waiting for its answer, and return its number.

        Args:
            method: The command.
            params: Its parameters; with a body at least one.
            session: The session that it is for.
            body: A further parameter of that name, in base64. A script that is served has megabytes, and is not copied.

        Raises:
            BrowserEnded: If the browser has.
        """
        self._serial += 1
        to = {"sessionId": session} if session else {}
        text = json.dumps({"id": self._serial, "method": method, **to, "params": params or {}}).encode()
        end = b"}}"
        parts = (text.removesuffix(end), b', "body": "', body, b'"', end, b"\0") if body else (text, b"\0")
        try:
            for part in parts:
                left = memoryview(part)
                while left:  # a pipe takes 64 KB at a time
                    left = left[os.write(self._outgoing, left) :]
        except BrokenPipeError:
            self.ended = True
            raise BrowserEnded("the browser has ended") from None
        return self._serial

    def send(self, method: str, params: Json | None = None, session: str = "", seconds: float | None = None) -> Json:
        """Send a command and return the result that the browser answers with.

        Raises:
            DevToolsError: If the browser refuses the command, or has ended.
            TimeoutError: If there is no answer in that time.
        """
        serial = self.post(method, params, session)
        answer: Json = {}

        def answered(message: Json) -> bool:
            if message.get("id") == serial:
                answer.update(message)
            return bool(answer)

        self.wait(answered, seconds)
        if "error" in answer:
            raise DevToolsError(f"{method}: {answer['error']['message']}")
        result: Json = answer["result"]
        return result

    def wait(self, until: Callable[[Json], bool], seconds: float | None = None) -> None:
        """Handle messages until one of them, as ``until`` says, is what was waited for.

        Raises:
            DevToolsError: If the browser has ended.
            TimeoutError: If it does not come in that time.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            message = self._receive(deadline)
            handler = self._handlers.get(message.get("method", ""))
            if handler is not None:
                handler(message["params"], Session(self, message.get("sessionId", "")))
            if until(message):
                return

    def _receive(self, deadline: float | None) -> Json:
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError("the browser did not answer in time")
            if self._messages:
                message: Json = json.loads(self._messages.popleft())
                return message
            if not select.select([self._incoming], [], [], left)[0]:
                continue
            chunk = os.read(self._incoming, _READ_BYTES)
            if not chunk:
                self.ended = True
                raise BrowserEnded("the browser has ended")
            self._split(chunk)

    def _split(self, chunk: bytes) -> None:
        """Divide what was read into messages.

        Of one that is too long only its number is kept, so that an answer becomes an error and an event is lost.
        """
        *ends, rest = chunk.split(b"\0")
        for end in ends:
            self._keep(end)
            data = b"".join(self._parts)
            if self._bytes > _LONGEST:
                answered = _ANSWERED.match(data)
                number = int(answered[1]) if answered else 0
                data = json.dumps({"id": number, "error": {"message": "the answer is too long"}}).encode()
            self._messages.append(data)
            self._parts, self._bytes = [], 0
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        self._bytes += len(part)
        if self._bytes > _LONGEST:
            self._parts = [b"".join(each[:_HEAD] for each in (*self._parts, part))[:_HEAD]]
        else:
            self._parts.append(part)


class Session:
    """One target of the browser, such as a page.

    Args:
        connection: The browser.
        name: What the browser calls the session; "" for the browser itself.
    """

    def __init__(self, connection: Connection, name: str = "") -> None:
        self._connection = connection
        self.name = name

    def send(self, method: str, params: Json | None = None, seconds: float | None = None) -> Json:
        """Send a command and return what the browser answers; see ``Connection.send``."""
        return self._connection.send(method, params, self.name, seconds)

    def post(self, method: str, params: Json | None = None, body: bytes = b"") -> None:
        """Send a command without waiting for its answer; see ``Connection.post``."""
        self._connection.post(method, params, self.name, body)
