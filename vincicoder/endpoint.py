"""One client for OpenAI-compatible endpoints, such as vLLM's: recipes, judges and evaluation ask models through it.

It uses the standard library only. We live in environments of trainers that pin their own ``httpx`` and ``openai``, and
a request that takes a model seconds gains nothing from a faster client.
"""

from __future__ import annotations

import asyncio
import base64
import email.utils
import http.client
import json
import math
import os
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar

from vincicoder.errors import ConfigError, EndpointError, FaultyAnswer
from vincicoder.images import file_type

Result = TypeVar("Result")

Message = Mapping[str, Any]
"""A chat message: ``{"role", "content"}``."""

_RETRIED = (408, 425, 429, 500, 502, 503, 504)
"""Status codes of an endpoint that is busy, starting or failing; the others would come again."""

_LONGEST_WAIT = 60.0
"""Seconds that are waited at most before a retry, whatever the endpoint asks for."""

_LARGEST_ANSWER = 64 << 20
"""Bytes of a body that are read at most."""


class Endpoint:
    """A model behind an OpenAI-compatible endpoint; any number of threads may ask it.

    The key, where the endpoint wants one, is read from the environment for each request. It is kept nowhere else and is
    in no message.

    Args:
        url: Up to ``/v1``.
        model: Its name there.
        key_variable: The environment variable that holds the key.
        concurrency: Requests in flight at most, over all threads.
        timeout: Seconds that one try may take.
        tries: How often a request is sent at most.
        backoff: Seconds before the second try; twice as long before each further one, and up to half of it shorter at
            random. An endpoint's ``Retry-After`` is heeded if it asks for longer.

    Raises:
        ConfigError: The URL is not one of an endpoint, or a number is out of range.

    Example:
        >>> endpoint = Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-VL-8B-Instruct")  # doctest: +SKIP
        >>> asked = [user_message("Write SVG code for this icon.", png)]  # doctest: +SKIP
        >>> endpoint.complete(asked, temperature=0.8, n=2)  # doctest: +SKIP
        ['Here it is: ...', 'An icon of ...']
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key_variable: str = "OPENAI_API_KEY",
        concurrency: int = 16,
        timeout: float = 300.0,
        tries: int = 4,
        backoff: float = 2.0,
    ) -> None:
        _check_url(url, key_variable)
        if concurrency < 1 or tries < 1 or timeout <= 0 or backoff < 0:
            raise ConfigError(
                f"concurrency={concurrency}, tries={tries}, timeout={timeout} and backoff={backoff} of an endpoint "
                "cannot work; the first three must be above 0, and backoff at least 0"
            )
        self.url = url.rstrip("/")
        self.model = model
        self.key_variable = key_variable
        self.concurrency = concurrency
        self.timeout = timeout
        self.tries = tries
        self.backoff = backoff
        self._start()

    def _start(self) -> None:
        self._slots = threading.BoundedSemaphore(self.concurrency)
        self._threads: ThreadPoolExecutor | None = None
        self._opener = urllib.request.build_opener(_NoRedirect)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start()

    def complete(self, messages: Sequence[Message], **sampling: Any) -> list[str]:
        """Return the model's answers to a conversation, as many as ``n`` asks for.

        Args:
            messages: The conversation; see :func:`user_message`.
            sampling: Further fields of the request: ``n``, ``seed``, ``temperature``, ``max_tokens``, …

        Raises:
            EndpointError: The endpoint cannot be reached, refuses the request, or is not OpenAI-compatible.
            FaultyAnswer: It gives no answer, or one that is not text.
        """
        body = json.dumps({"model": self.model, "messages": list(messages), **sampling}).encode()
        return _texts_of(self._post(body), self.url)

    async def complete_async(self, messages: Sequence[Message], **sampling: Any) -> list[str]:
        """Do as :meth:`complete` does without blocking the event loop; the same limit of requests in flight holds."""
        return await self.in_thread(lambda: self.complete(messages, **sampling))

    def first_token(self, messages: Sequence[Message], **sampling: Any) -> list[tuple[str, float]]:
        """Return what the model's answer may begin with: tokens as text, with their log-probabilities.

        Args:
            messages: The conversation; see :func:`user_message`.
            sampling: Further fields of the request. ``top_logprobs`` says how many tokens to name, 20 unless it is
                given, which is the most that endpoints allow.

        Raises:
            EndpointError: The endpoint cannot be reached, refuses the request, or is not OpenAI-compatible.
            FaultyAnswer: It names no log-probabilities.
        """
        asked = {"max_tokens": 1, "temperature": 0.0, "logprobs": True, "top_logprobs": 20, **sampling}
        body = json.dumps({"model": self.model, "messages": list(messages), **asked}).encode()
        return _first_token_of(self._post(body), self.url)

    async def in_thread(self, function: Callable[[], Result]) -> Result:
        """Run a function that asks this endpoint, in one of as many threads as there may be requests in flight."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="vincicoder-endpoint")
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    def _post(self, body: bytes) -> Any:
        """Send a request until it is answered, and return the JSON that it is answered with."""
        key = self._key()
        for attempt in range(1, self.tries + 1):
            try:
                with self._slots:
                    return self._try(body, key)
            except urllib.error.HTTPError as error:
                with error:
                    reason = f"{error.code} {error.reason}{_detail(error)}"
                if error.code not in _RETRIED:
                    break
                asked = _retry_after(error.headers.get("Retry-After"))
            except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:  # gone, slow, or no JSON
                reason, asked = str(error) or type(error).__name__, 0.0
            if attempt < self.tries:
                wait = self.backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1)
                time.sleep(min(max(wait, asked), _LONGEST_WAIT))
        if key:
            reason = reason.replace(key, "***")
        raise EndpointError(
            f"{self.url} does not answer ({' '.join(reason.split())[:300]}); is it running, is its address right up to "
            f"/v1, and does it serve {self.model!r}?"
        )

    def _try(self, body: bytes, key: str) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(f"{self.url}/chat/completions", body, headers)
        deadline = time.monotonic() + self.timeout
        with self._opener.open(request, timeout=self.timeout) as response:
            return json.loads(_read_until(response, deadline))

    def _key(self) -> str:
        key = os.environ.get(self.key_variable, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(f"the key in {self.key_variable} has characters that no header can hold; set it anew")
        return key


def user_message(text: str, *images: bytes) -> dict[str, Any]:
    """Return a user's message with images before its text.

    Args:
        text: What is asked.
        images: Contents of image files; they go along as ``data:`` URLs.

    Example:
        >>> user_message("What is this?", png)["content"][0]["image_url"]["url"][:22]  # doctest: +SKIP
        'data:image/png;base64,'
    """
    urls = (f"data:image/{file_type(image)};base64,{base64.b64encode(image).decode()}" for image in images)
    shown: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": "user", "content": [*shown, {"type": "text", "text": text}]}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow no redirect, which would turn the request into another one and take the key elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _check_url(url: str, key_variable: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is no number, or brackets without an address
        sound = False
    if sound and (parts.username is not None or parts.password is not None):
        raise ConfigError(f"the address of an endpoint holds a user or a password; put the key into {key_variable}")
    if not sound:
        raise ConfigError(f"{url!r} is not the address of an endpoint; give one such as http://host:8000/v1")


def _read_until(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """Return a body; a timeout of the socket alone would not end one that comes drop by drop."""
    content = bytearray()
    while part := response.read1(1 << 16):
        content += part
        if len(content) > _LARGEST_ANSWER:
            raise ValueError(f"its answer has more than {_LARGEST_ANSWER:,} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("its answer takes too long")
    return bytes(content)


def _detail(error: IO[bytes]) -> str:
    """Return what the body of a refusal says, after a colon, or "" if that cannot be read."""
    try:
        text = error.read(1 << 16).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    try:
        told = json.loads(text)
        told = told.get("error", told)
        text = str(told["message"] if isinstance(told, dict) else told)
    except (ValueError, KeyError, AttributeError, RecursionError):
        pass
    return f": {text}" if text.strip() else ""


def _retry_after(value: str | None) -> float:
    """Return the seconds that an endpoint asks to wait, which it may say as a number or as a date; 0 if it does not."""
    if value is None:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def _texts_of(answer: Any, url: str) -> list[str]:
    try:
        contents = [choice["message"]["content"] for choice in answer["choices"]]
    except (KeyError, TypeError) as error:
        raise EndpointError(
            f"{url} does not answer as an OpenAI-compatible endpoint does ({error!r}); give one that serves "
            "/chat/completions"
        ) from error
    if not contents:
        raise FaultyAnswer(f"{url} gives no choices")
    return [_text_of(content) for content in contents]


def _first_token_of(answer: Any, url: str) -> list[tuple[str, float]]:
    try:
        likeliest = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        found = [(str(each["token"]), float(each["logprob"])) for each in likeliest]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FaultyAnswer(f"{url} names no log-probabilities of the first token ({error!r})") from error
    if any(math.isnan(value) or value > 1e-3 for _, value in found):
        raise FaultyAnswer(f"{url} names log-probabilities that are none: {found!r:.200}")
    return found


def _text_of(content: Any) -> str:
    """Return the text of a message, which is a string, a list of parts, or missing."""
    if content is None or isinstance(content, str):
        return content or ""
    try:
        return "".join([part["text"] for part in content if part["type"] == "text"])
    except (KeyError, TypeError) as error:
        raise FaultyAnswer(f"content is neither text nor a list of parts: {content!r:.200}") from error
