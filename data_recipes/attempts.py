"""Make refinements from a model's own flawed attempts: ``vincicoder data attempts``.

A model behind any OpenAI-compatible endpoint, such as vLLM's, sees the image and is asked for the code. Its attempts
are rendered and compared with the image. One attempt is kept whose similarity lies in a band: bad enough to need a fix,
good enough to start from. If the endpoint needs a key, set the environment variable ``OPENAI_API_KEY``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from data_recipes.engine.images import content_of, open_image
from data_recipes.engine.options import (
    Recipe,
    add_output,
    add_rendering,
    guarded,
    parser_of,
    positive,
    run_recipe,
    share,
)
from data_recipes.engine.records import Records
from data_recipes.engine.refinements import changed_share, refinement
from data_recipes.engine.rendering import RenderingStep
from vincicoder.alignment import align
from vincicoder.data import BadRow, Reason, Record
from vincicoder.endpoint import Endpoint, user_message
from vincicoder.errors import FaultyAnswer

BAND = (0.3, 0.95)
"""Similarity of an attempt's render and the target, least and most."""

TEMPERATURE = 0.8
MAX_TOKENS = 4096
CONCURRENCY = 16
"""Requests at a time. An endpoint batches them, so they take little longer than one."""


class Attempt(RenderingStep):
    """A step that makes refinements of records with a model's attempts.

    Args:
        endpoint: The model.
        samples: Attempts at each record.
        band: Similarity of a kept attempt, least and most.
        seed: Of the model's sampling, and of the choice of wordings.
        workers: See ``RenderingStep``.
        encoder: See ``RenderingStep``.
        temperature: Of the model's sampling.
        max_tokens: Most tokens of an answer.

    Example:
        >>> step = Attempt(Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-VL-8B-Instruct"))
        >>> [refinement] = step([record], Drops())
        >>> refinement.checks["made_by"]
        'Qwen/Qwen3-VL-8B-Instruct'
    """

    def __init__(
        self,
        endpoint: Endpoint,
        samples: int = 4,
        band: tuple[float, float] = BAND,
        seed: int = 0,
        workers: int | None = None,
        encoder: str = "embedded",
        temperature: float = TEMPERATURE,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        super().__init__(workers, encoder)
        # Where the model is served decides nothing: a run goes on when the address has changed.
        self.model = endpoint.model
        self.sampling = {"n": samples, "seed": seed, "temperature": temperature, "max_tokens": max_tokens}
        self.band = band
        self.seed = seed
        self._endpoint = endpoint

    def at_a_time(self) -> int:
        """Return how many records to work on at a time: the endpoint is asked about as many, and a few are rendered."""
        return super().at_a_time() + self._endpoint.concurrency

    def work(self, record: Record) -> list[Record]:
        """Return a refinement with the attempt whose similarity is nearest to the middle of the band."""
        target = open_image(record.target)
        found: list[tuple[float, str, float]] = []
        for answer in self._answers(record):
            code = align(answer, record.language).code
            render = self.renderers.render(code, record.language) if code else None
            if code is None or render is None or render.image is None:
                continue
            similarity = self.renderers.similarity(target, render.image)
            if self.band[0] <= similarity <= self.band[1] and changed_share(target, render.image) > 0:
                found.append((abs(similarity - sum(self.band) / 2), code, similarity))
        if not found:
            raise BadRow(
                Reason.OUTSIDE_BAND,
                f"none of {self.sampling['n']} attempts has a similarity from {self.band[0]} to {self.band[1]}",
            )
        _, code, similarity = min(found)
        checks = {"similarity": similarity, "defect_status": "ok", "defects": ["attempt"], "made_by": self.model}
        return [refinement(record, code, checks, self.seed)]

    def _answers(self, record: Record) -> list[str]:
        message = user_message(record.prompt, content_of(record.target))
        try:
            return self._endpoint.complete([message], **self.sampling)
        except FaultyAnswer as error:
            raise BadRow(Reason.NO_CODE, str(error), "faulty answer of the endpoint") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("attempts", __doc__)
    parser.add_argument("records", metavar="DIR", help="directory of records that collect wrote")
    parser.add_argument(
        "--url", required=True, metavar="URL", help="address of the endpoint, such as http://host:8000/v1"
    )
    parser.add_argument("--model", required=True, metavar="NAME", help="name of the model at the endpoint")
    parser.add_argument(
        "--samples", type=positive, default=4, metavar="N", help="attempts for each record (default: 4)"
    )
    parser.add_argument(
        "--least",
        type=share,
        default=BAND[0],
        metavar="X",
        help=f"least similarity of a kept attempt (default: {BAND[0]})",
    )
    parser.add_argument(
        "--most",
        type=share,
        default=BAND[1],
        metavar="X",
        help=f"greatest similarity of a kept attempt (default: {BAND[1]})",
    )
    parser.add_argument(
        "--temperature", type=float, default=TEMPERATURE, metavar="X", help="temperature of sampling (default: 0.8)"
    )
    parser.add_argument(
        "--concurrency",
        type=positive,
        default=CONCURRENCY,
        metavar="N",
        help=f"requests to the endpoint at a time (default: {CONCURRENCY})",
    )
    add_output(parser)
    add_rendering(parser)
    options: argparse.Namespace = parser.parse_args(arguments)
    endpoint = Endpoint(options.url, options.model, concurrency=options.concurrency)
    band = options.least, options.most
    step = Attempt(endpoint, options.samples, band, options.seed, options.workers, options.encoder, options.temperature)
    return run_recipe(options, Records(options.records), [step], reads=options.records)


RECIPE = Recipe("make refinements from a model's own flawed attempts", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
