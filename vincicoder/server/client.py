"""A scorer that asks a server, for processes on other machines; it needs only the standard library."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from vincicoder.errors import ConfigError, ScoringUnavailable, TargetError
from vincicoder.images import compressed, open_target, target_content
from vincicoder.rendering import Render
from vincicoder.reward import RewardRequest, RewardResult
from vincicoder.reward.codec import request_fields, result_from_fields
from vincicoder.status import Status

_BATCH = 32  # responses in a call: few enough that results arrive while others are scored
_BATCH_BYTES = 32 * 2**20  # of a call, so that large targets do not exceed the server's limit
_CALLS = 8  # at a time
_PAUSES = (0.0, 1.0, 4.0)  # seconds before each attempt
_PASSING = (408, 425, 429)  # refusals that another attempt may not meet


class HttpReward:
    """The reward of a server, a `Scorer`. Thread-safe.

    Results carry their render if the server was started with ``--keep-renders``.

    Args:
        url: The server's, such as ``"http://reward:8700"``.
        token: What the server wants callers to send, or None.
        timeout: Seconds to wait for the answer to a call, which has up to 32 requests. A call that takes longer is not
            made again, since the server is still at work on it.

    Example:
        >>> reward = HttpReward("http://127.0.0.1:8700")
        >>> results = reward.score(requests)  # doctest: +SKIP
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 600.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"url is {url!r}; expected that of a server, such as http://127.0.0.1:8700")
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout = timeout

    def score(self, requests: Sequence[RewardRequest]) -> list[RewardResult]:
        """Score a batch and return the results in the order of the requests.

        Args:
            requests: What to score.

        Raises:
            ConfigError: The server refuses the token or a request.
            ScoringUnavailable: The server cannot be reached, or cannot score.

        Example:
            >>> [result] = reward.score([RewardRequest(response, "icon.png", language="svg")])  # doctest: +SKIP
        """
        results = dict(self.stream(requests))
        return [results[index] for index in range(len(requests))]

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish.

        Args:
            requests: What to score.

        Raises:
            ConfigError: The server refuses the token or a request.
            ScoringUnavailable: The server cannot be reached, or cannot score.
        """
        samples: list[tuple[int, dict[str, Any]]] = []
        for index, request in enumerate(requests):
            sample = _sample(request)
            if isinstance(sample, RewardResult):
                yield index, sample
            else:
                samples.append((index, sample))
        with ThreadPoolExecutor(_CALLS) as threads:
            calls = {threads.submit(self._scored, [each for _, each in batch]): batch for batch in _batches(samples)}
            try:
                for call in as_completed(calls):
                    for (index, _), result in zip(calls[call], call.result(), strict=True):
                        yield index, result
            finally:
                for call in calls:
                    call.cancel()

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does.

        Args:
            code: The code, without a fence.
            language: Name or alias of its language.

        Raises:
            ConfigError: The language is not known, or the server refuses the token.
            ScoringUnavailable: The server cannot be reached, or cannot render.
        """
        answer = self._call("/v1/render", {"code": code, "language": language})
        image = answer["image"]
        return Render(
            status=Status(answer["status"]),
            image=open_target(base64.b64decode(image)) if image is not None else None,
            message=answer["message"],
            seconds=answer["seconds"],
            cpu_seconds=answer["cpu_seconds"],
        )

    def close(self) -> None:
        """Do nothing: the server belongs to all of its callers."""

    def _scored(self, samples: Sequence[dict[str, Any]]) -> list[RewardResult]:
        return [_result(each) for each in self._call("/v1/score", {"requests": samples})["results"]]

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps(body, ensure_ascii=False).encode(errors="replace")  # half of a surrogate pair is no text
        request = urllib.request.Request(self._url + path, data, self._headers)
        reason = ""
        for pause in _PAUSES:
            time.sleep(pause)
            try:
                with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                    found: dict[str, Any] = json.load(answer)
                    return found
            except urllib.error.HTTPError as error:
                reason = f"{error.code} {error.read(2000).decode(errors='replace')}"
                if error.code < 500 and error.code not in _PASSING:
                    raise ConfigError(f"the server at {self._url} refuses the call: {reason}") from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = str(error) or type(error).__name__
                if isinstance(error, TimeoutError):  # urllib wraps those of connecting, which are tried again
                    why = f"the server at {self._url} has not answered in {self._timeout:g} s; it may be overloaded"
                    raise ScoringUnavailable(why) from None
        raise ScoringUnavailable(f"the server at {self._url} does not answer: {reason}. Is `vincicoder serve` running?")


def _batches(samples: Sequence[tuple[int, dict[str, Any]]]) -> list[list[tuple[int, dict[str, Any]]]]:
    """Return the samples in batches of no more than so many requests and bytes."""
    batches: list[list[tuple[int, dict[str, Any]]]] = []
    size = 0
    for sample in samples:
        added = sum(len(value) for value in sample[1].values() if isinstance(value, str))
        if not batches or len(batches[-1]) == _BATCH or size + added > _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(sample)
        size += added
    return batches


def _sample(request: RewardRequest) -> dict[str, Any] | RewardResult:
    """Return a request as it is sent, or its result if its target or metadata cannot be sent."""
    try:
        content = target_content(request.target)
        target = content if isinstance(content, bytes) else compressed(open_target(content))
        return {**request_fields(request), "target": base64.b64encode(target).decode()}
    except TargetError as error:
        return RewardResult.failed(request, Status.BAD_TARGET, str(error))
    except ValueError as error:
        return RewardResult.failed(request, Status.BAD_REQUEST, f"its metadata cannot be sent: {error}")


def _result(data: dict[str, Any]) -> RewardResult:
    return result_from_fields(data, base64.b64decode(data["render"]) if data["render"] is not None else None)
