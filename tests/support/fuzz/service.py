"""Calls over HTTP to the application itself, without a socket; every answer is checked."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image

from vincicoder.rendering import Render
from vincicoder.reward import RewardRequest, RewardResult, Totals
from vincicoder.reward.config import RewardConfig
from vincicoder.status import Status

_ANSWERS = (200, 307, 400, 401, 403, 404, 405, 408, 413, 415, 422)


class _Unmeasured:
    """A scorer that answers at once; what is fuzzed is what stands before it."""

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        for index, request in enumerate(requests):
            yield index, RewardResult.failed(request, Status.NO_CODE, "not measured")

    def render(self, code: str, language: str) -> Render:
        return Render(Status.OK, Image.new("RGB", (2, 2)), message=code[:10])

    def close(self) -> None:
        pass


@functools.cache
def application_and_loop() -> tuple[Any, asyncio.AbstractEventLoop]:
    """Return the application, made once, and what runs it."""
    from vincicoder.server.app import Served, application
    from vincicoder.server.config import ServerConfig

    served = Served(_Unmeasured(), RewardConfig(), lambda: Totals({}, 0, 0, 0))
    return application(served, ServerConfig(max_body_mb=0.0625)), asyncio.new_event_loop()


def check(data: bytes) -> None:
    """Make a call whose first lines are method and path, headers, and behind a blank line the body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, path = first.partition(b" ")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    names = {name for name, _ in headers}
    defaults = [(b"host", b"127.0.0.1:8700"), (b"content-type", b"application/json")]
    headers += [(name, value) for name, value in defaults if name not in names]
    app, loop = application_and_loop()
    status, content = loop.run_until_complete(_call(app, method.decode("latin-1"), path, headers, body))
    assert status in _ANSWERS, (status, content[:500])
    if status == 200 and path == b"/v1/score":
        asked = json.loads(body)["requests"]
        found = json.loads(content)["results"]
        assert [each["id"] for each in found] == [each.get("id") for each in asked]


async def _call(
    app: Any, method: str, path: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, bytes]:
    """Return the status and the body of the answer; the body of the call arrives in two pieces."""
    pieces = [body[: len(body) // 2], body[len(body) // 2 :]]
    events = [{"type": "http.request", "body": pieces[0], "more_body": True}]
    events += [{"type": "http.request", "body": pieces[1], "more_body": False}]
    answer: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not events:
            await asyncio.get_running_loop().create_future()  # the caller waits for the answer
        return events.pop(0)

    async def send(event: dict[str, Any]) -> None:
        answer.append(event)

    route, _, query = path.partition(b"?")
    scope = {"type": "http", "http_version": "1.1", "method": method or "GET", "scheme": "http", "root_path": ""}
    scope |= {"path": "/" + route.decode("latin-1").lstrip("/"), "raw_path": route, "query_string": query}
    scope |= {"headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8700), "asgi": {"version": "3.0"}}
    await app(scope, receive, send)
    return answer[0]["status"], b"".join(event.get("body", b"") for event in answer[1:])
