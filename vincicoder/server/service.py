"""A scorer behind what callers over a network call for: a token, limits of size and time, threads that wait."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from vincicoder.errors import ConfigError, VinciCoderError
from vincicoder.languages import get_language
from vincicoder.reward import RewardRequest, RewardResult, Scorer
from vincicoder.reward.editing import EditJudge
from vincicoder.server.config import ServerConfig

if TYPE_CHECKING:
    from vincicoder.rendering import Render

T = TypeVar("T")

_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}

_UNDER_WAY = 256  # calls whose bodies are in memory; the others wait and send nothing meanwhile
_THREADS = 64  # calls that are scored at a time


class Service:
    """What a protocol works with; its errors are answers to the caller.

    Args:
        scorer: What scores and renders.
        config: The limits of what callers may send.
        token: What callers must send as ``Authorization: Bearer TOKEN``; None lets everybody in who calls the service
            by a name of this machine.

    Attributes:
        edit_judge: What rates edited images, or None.

    Raises:
        ConfigError: The judge of edits lacks its name, or an option of it cannot work.
    """

    def __init__(self, scorer: Scorer, config: ServerConfig, token: str | None) -> None:
        self._scorer = scorer
        self._token = token
        self._names = _LOOPBACK | {_name_of(config.host)}
        self._max_bytes = int(config.max_body_mb * 2**20)
        self._body_seconds = config.body_seconds
        self.edit_judge = _edit_judge(config)
        self._under_way = asyncio.Semaphore(_UNDER_WAY)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="vincicoder-http")

    def authorize(self, request: Request) -> None:
        """Check the caller's token, and that no web page of another site is behind the call.

        A page cannot choose the headers ``Host`` and ``Origin``. Without a token, Host must name this machine: a
        page whose own name was made to lead here (DNS rebinding) could read the answers otherwise.

        Raises:
            HTTPException: The token is missing or wrong (401), or a page of another site is behind the call (403).
        """
        host = request.headers.get("host", "").lower()
        if self._token is None and _name_of(host) not in self._names:
            raise HTTPException(403, f"the header Host is {host!r}; expected one of {', '.join(sorted(self._names))}")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host:
            raise HTTPException(403, f"a web page of {origin!r} may not call this service")
        token = self._token
        given = _credential(request.headers.get("authorization", ""))
        if token is not None and not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(
                401,
                "send the token as `Authorization: Bearer TOKEN`, or in the URL: http://any:TOKEN@host:port/",
                headers={"WWW-Authenticate": "Bearer"},
            )

    @contextlib.asynccontextmanager
    async def admitted(self, request: Request) -> AsyncIterator[bytes]:
        """Check the caller, wait for a free place, and yield the body.

        Raises:
            HTTPException: The token is wrong (401), a page of another site is behind the call (403), the body is no
                JSON (415), too large (413) or too slow (408).
        """
        self.authorize(request)
        # Pages may post text and forms to any address unasked, but JSON only to who allows it.
        kind = request.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, f"the header Content-Type is {kind!r}; expected application/json")
        async with self._under_way:
            yield await self._body(request)

    async def score(self, requests: Sequence[RewardRequest], caller: Request) -> list[RewardResult]:
        """Return the results in the order of the requests. Those of a caller who hangs up are scored no further.

        Args:
            requests: What to score.
            caller: The call, of which the body was read.

        Raises:
            HTTPException: 503, the scorer cannot score now; 499, which nobody reads, where the caller is gone.
        """
        gone = threading.Event()

        async def hang_up() -> None:
            await caller.receive()  # after the body, nothing comes but the end of the call
            gone.set()

        waiting = asyncio.create_task(hang_up())
        try:
            results = await self.in_thread(lambda: self._results(requests, gone))
        finally:
            waiting.cancel()
        if len(results) < len(requests):
            raise HTTPException(499, "the caller is gone")
        return [results[index] for index in range(len(requests))]

    def _results(self, requests: Sequence[RewardRequest], gone: threading.Event) -> dict[int, RewardResult]:
        results: dict[int, RewardResult] = {}
        if not gone.is_set():
            for index, result in self._scorer.stream(requests):
                results[index] = result
                if gone.is_set():
                    break  # which closes the stream, and so cancels what is queued
        return results

    async def render(self, code: str, language: str) -> Render:
        """Render code as scoring does.

        Raises:
            HTTPException: The language is unknown (422), or the scorer cannot render now (503).
        """
        try:
            name = get_language(language).name
        except ConfigError as error:
            raise HTTPException(422, str(error)) from error
        return await self.in_thread(lambda: self._scorer.render(code, name))

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns; meanwhile other callers are served.

        Raises:
            HTTPException: 503 for any of our errors.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except VinciCoderError as error:
            raise HTTPException(503, f"{type(error).__name__}: {error}") from error

    async def _body(self, request: Request) -> bytes:
        """Return the body, which is refused as soon as it is too large or too slow."""
        limit, seconds = self._max_bytes, self._body_seconds
        too_large = HTTPException(413, f"the body is larger than {limit / 2**20:g} MiB; send fewer requests")
        try:
            if int(request.headers.get("content-length", 0)) > limit:
                raise too_large
        except ValueError as error:
            raise HTTPException(400, "Content-Length is not a number") from error

        async def read() -> bytes:
            body = bytearray()
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
            return bytes(body)

        try:
            return await asyncio.wait_for(read(), seconds)
        except asyncio.TimeoutError as error:
            raise HTTPException(408, f"the body did not arrive in {seconds:g} s") from error


def _credential(header: str) -> str:
    """Return the token in a header ``Authorization``; that of a URL's user and password has it as the password."""
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "basic":
        return header.removeprefix("Bearer ")
    try:
        return base64.b64decode(credential, validate=True).decode().partition(":")[2]
    except ValueError:  # neither base64 nor UTF-8
        return ""


def _edit_judge(config: ServerConfig) -> EditJudge | None:
    if config.edit_url is None:
        return None
    if config.edit_model is None:
        raise ConfigError("--edit-url is given without --edit-model; expected the name of the judge there")
    try:
        return EditJudge(config.edit_url, config.edit_model, config.edit_prompt or "")
    except ValueError as error:
        raise ConfigError(f"--edit-prompt: {error}") from error


def _name_of(host: str) -> str:
    """Return an address without its port, and IPv6 ones in brackets."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0] if host.count(":") < 2 else f"[{host}]"
