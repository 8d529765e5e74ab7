"""Refinements with a model's own flawed attempts: ``vincicoder data attempts``.

A model behind any OpenAI-compatible endpoint, such as vLLM's, is shown the picture and asked for the code. Its attempts
are drawn and scored; kept is one whose reward lies in a band: bad enough to need mending, good enough to be a start.
The key comes from the environment variable ``OPENAI_API_KEY``, where the endpoint wants one.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any

from data_recipes.drawing import DrawingStep
from data_recipes.options import add_drawing, add_output, guarded, parser_of, positive, run_recipe, share
from data_recipes.pictures import content_of, opened, type_of
from data_recipes.refine import changed_share, refinement
from data_recipes.sources.records import Records
from vincicoder.alignment import align
from vincicoder.data import BadRow, DataError, Reason, Record

BAND = (0.3, 0.95)
"""Likeness of an attempt's picture and the target, least and most."""

_TRIES = 4
_WAIT = 2.0  # seconds before the second try; twice as long before each further one
_TIMEOUT = 300.0


class Endpoint:
    """A model that answers chat requests over HTTP.

    Args:
        url: Up to ``/v1``.
        model: Its name there.
        temperature: Of sampling.
        max_tokens: Most tokens of an answer.

    Raises:
        DataError: The URL is none.
    """

    def __init__(self, url: str, model: str, temperature: float = 0.8, max_tokens: int = 4096) -> None:
        if not _is_address(url):
            raise DataError(f"{url!r} is no address of an endpoint; give one such as http://host:8000/v1")
        self.url = url.rstrip("/")
        self.model = model
        self.temperature = temperature
        self.max_tokens = max_tokens

    def ask(self, prompt: str, picture: bytes, count: int, seed: int) -> list[str]:
        """Return answers to a prompt with a picture.

        Raises:
            DataError: The endpoint cannot be reached, refuses the request, or is not OpenAI-compatible.
            BadRow: It gives no answer, or one that is no text.
        """
        url = f"data:image/{type_of(picture)};base64,{base64.b64encode(picture).decode()}"
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": prompt}]
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "n": count,
            "seed": seed,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        answer = self._post(json.dumps(body).encode())
        try:
            contents = [choice["message"]["content"] for choice in answer["choices"]]
        except (KeyError, TypeError) as error:
            raise DataError(f"{self.url} answers otherwise than an OpenAI-compatible endpoint ({error!r})") from error
        if not contents:
            raise _faulty("the endpoint gives no choices")
        return [_text_of(content) for content in contents]

    def _post(self, body: bytes) -> Any:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("OPENAI_API_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(f"{self.url}/chat/completions", body, headers)
        why = ""
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_WAIT * 2 ** (attempt - 1))
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                why = f"{error.code} {error.reason}"
                if error.code < 500 and error.code != 429:
                    break
            except (OSError, ValueError, http.client.HTTPException) as error:
                why = str(error)
        raise DataError(f"{self.url} does not answer ({why}); is it running, and its address right up to /v1?")


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is no number, or brackets without an address
        return False


def _text_of(content: Any) -> str:
    """Return the text of a message, which is a string, a list of parts, or missing."""
    if content is None or isinstance(content, str):
        return content or ""
    try:
        return "".join([part["text"] for part in content if part["type"] == "text"])
    except (KeyError, TypeError) as error:
        raise _faulty(f"content is neither text nor a list of parts: {content!r}") from error


def _faulty(message: str) -> BadRow:
    return BadRow(Reason.NO_CODE, message, "faulty answer of the endpoint")


class Attempt(DrawingStep):
    """Makes refinements of records with a model's attempts.

    Args:
        endpoint: The model.
        samples: Attempts at each record.
        band: Likeness that a kept attempt has, least and most.
        seed: Of the model's sampling, and of wordings.
        workers: See ``DrawingStep``.
        encoder: See ``DrawingStep``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        samples: int = 4,
        band: tuple[float, float] = BAND,
        seed: int = 0,
        workers: int | None = None,
        encoder: str = "embedded",
    ) -> None:
        super().__init__(workers, encoder)
        # Where the model is served decides nothing: a run goes on when the address has changed.
        self.sampling = {name: value for name, value in vars(endpoint).items() if name != "url"}
        self.samples = samples
        self.band = band
        self.seed = seed
        self._endpoint = endpoint

    def work(self, record: Record) -> list[Record]:
        """Return a refinement with the attempt that lies nearest to the middle of the band."""
        target, picture = opened(record.target), content_of(record.target)
        found: list[tuple[float, str, float]] = []
        for answer in self._endpoint.ask(record.prompt, picture, self.samples, self.seed):
            code = align(answer, record.language).code
            render = self.studio.render(code, record.language) if code else None
            if code is None or render is None or render.image is None:
                continue
            likeness = self.studio.likeness(target, render.image)
            if self.band[0] <= likeness <= self.band[1] and changed_share(target, render.image) > 0:
                found.append((abs(likeness - sum(self.band) / 2), code, likeness))
        if not found:
            raise BadRow(Reason.OUTSIDE_BAND, f"none of {self.samples} attempts lies between {self.band}")
        _, code, likeness = min(found)
        checks = {
            "similarity": likeness,
            "defect_status": "ok",
            "defects": ["attempt"],
            "made_by": self._endpoint.model,
        }
        return [refinement(record, code, checks, self.seed)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("attempts", __doc__)
    parser.add_argument("records", metavar="FOLDER", help="folder of records, verified by collect")
    parser.add_argument("--url", required=True, metavar="URL", help="of the endpoint, such as http://host:8000/v1")
    parser.add_argument("--model", required=True, metavar="NAME", help="of the model there")
    parser.add_argument("--samples", type=positive, default=4, metavar="N", help="attempts at each record (default: 4)")
    parser.add_argument("--least", type=share, default=BAND[0], metavar="X", help=f"likeness (default: {BAND[0]})")
    parser.add_argument("--most", type=share, default=BAND[1], metavar="X", help=f"likeness (default: {BAND[1]})")
    parser.add_argument("--temperature", type=float, default=0.8, metavar="X", help="of sampling (default: 0.8)")
    add_output(parser)
    add_drawing(parser)
    options: argparse.Namespace = parser.parse_args(arguments)
    endpoint = Endpoint(options.url, options.model, options.temperature)
    band = options.least, options.most
    step = Attempt(endpoint, options.samples, band, options.seed, options.workers, options.encoder)
    return run_recipe(options, Records(options.records), [step], reads=options.records)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
