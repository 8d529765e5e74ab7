"""A scorer behind what callers over a network call for: a token, limits of size and time, threads that wait."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from fastapi import HTTPException, Request

from vincicoder.errors import ConfigError, VinciCoderError
from vincicoder.languages import get_language
from vincicoder.reward import RewardRequest, RewardResult, Scorer
from vincicoder.server.config import ServerConfig

if TYPE_CHECKING:
    from vincicoder.rendering import Render

T = TypeVar("T")

_UNDER_WAY = 256  # calls whose bodies are in memory; the others wait and send nothing meanwhile
_THREADS = 64  # calls that are scored at a time


class Service:
    """What a protocol works with; its errors are answers to the caller.

    Args:
        scorer: What scores and renders.
        config: The limits of what callers may send.
        token: What callers must send as ``Authorization: Bearer TOKEN``; None lets everybody in.
    """

    def __init__(self, scorer: Scorer, config: ServerConfig, token: str | None) -> None:
        self._scorer = scorer
        self._token = token
        self._max_bytes = int(config.max_body_mb * 2**20)
        self._body_seconds = config.body_seconds
        self._under_way = asyncio.Semaphore(_UNDER_WAY)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="vincicoder-http")

    def authorize(self, request: Request) -> None:
        """Check the caller's token.

        Raises:
            HTTPException: 401; it is missing or wrong.
        """
        token = self._token
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token is not None and not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(
                401, "send the token as `Authorization: Bearer TOKEN`", headers={"WWW-Authenticate": "Bearer"}
            )

    @contextlib.asynccontextmanager
    async def admitted(self, request: Request) -> AsyncIterator[bytes]:
        """Check the caller's token, wait for a free place, and yield the body.

        Raises:
            HTTPException: The token is wrong (401), or the body too large (413) or too slow (408).
        """
        self.authorize(request)
        async with self._under_way:
            yield await self._body(request)

    async def score(self, requests: Sequence[RewardRequest]) -> list[RewardResult]:
        """Return the results in the order of the requests.

        Raises:
            HTTPException: 503; the scorer cannot score now.
        """
        results = await self.in_thread(lambda: dict(self._scorer.stream(requests)))
        return [results[index] for index in range(len(requests))]

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
