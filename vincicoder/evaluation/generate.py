"""Ask a model behind an endpoint for its answers to a benchmark's samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.endpoint import Endpoint, user_message
from vincicoder.errors import EndpointError
from vincicoder.evaluation.asking import Tally, in_threads
from vincicoder.images import target_content
from vincicoder.reporting import ResultsFile, Settings
from vincicoder.status import Status

if TYPE_CHECKING:
    from vincicoder.evaluation.benchmark import Sample

TEMPERATURE = 0.0
MAX_TOKENS = 10_240
"""Tokens of an answer at most; the paper trains with as many."""


@dataclass(frozen=True)
class Sampling:
    """How answers are sampled.

    Attributes:
        n: Answers to each sample.
        seed: Of the first answer; the others count up from it.
        temperature: 0 for the likeliest answer.
        max_tokens: Tokens of an answer at most.
    """

    n: int = 1
    seed: int = 0
    temperature: float = TEMPERATURE
    max_tokens: int = MAX_TOKENS

    def request(self, number: int) -> dict[str, Any]:
        """Return the fields of the request for one of the answers."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed + number}


def generate(
    benchmark: str,
    samples: Iterable[Sample],
    endpoint: Endpoint,
    path: str | Path,
    sampling: Sampling | None = None,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
) -> int:
    """Write a model's answers to a file of predictions while they come; what is there already is not asked again.

    A sample that the endpoint refuses is noted with its reason, and asked again by the next run.

    Args:
        benchmark: Name of the benchmark.
        samples: What to ask; each has a prompt and a target.
        endpoint: The model.
        path: The file.
        sampling: How answers are sampled; None for one answer, the likeliest.
        progress: Called for each answer, with whether it was asked for now.
        complain: Called with a sentence for each sample that was refused.

    Returns:
        How many answers are missing.

    Raises:
        EndpointError: The endpoint answers nothing at all; what it has answered before is kept.
        ConfigError: The file holds something else, or answers of other settings.

    Example:
        >>> endpoint = Endpoint("http://localhost:8000/v1", "DocTron-Hub/VinciCoder-8B")  # doctest: +SKIP
        >>> generate("unisvg", BENCHMARKS.get("unisvg").load("data/UniSVG"), endpoint, "unisvg.jsonl")  # doctest: +SKIP
        0
    """
    sampling = sampling or Sampling()
    # Where the model is served decides nothing: a run goes on when the address has changed.
    about = {"seed": sampling.seed, "temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
    predictions = ResultsFile(path, Settings({"benchmark": benchmark, "model": endpoint.model, **about}))
    tally = Tally(progress, complain)
    try:
        wanted = _wanted(samples, sampling.n, predictions, tally)
        for row in in_threads(lambda asked: _ask(*asked, endpoint, sampling), wanted, endpoint.concurrency):
            predictions.write(_key(row["id"], row["number"]), {"benchmark": benchmark, "model": endpoint.model, **row})
            if row["status"] == Status.OK.value:
                tally.answered()
            else:
                tally.failed(row["id"], row["message"])
    finally:
        predictions.close()
    return tally.end()


def _key(name: str, number: int) -> str:
    return f"{name}#{number}"


def _wanted(
    samples: Iterable[Sample], count: int, predictions: ResultsFile, tally: Tally
) -> Iterator[tuple[Sample, int]]:
    """Yield what an earlier run has not been answered."""
    for sample in samples:
        for number in range(count):
            if predictions.take(_key(sample.id, number)) is None:
                yield sample, number
            else:
                tally.answered(fresh=False)


def _ask(sample: Sample, number: int, endpoint: Endpoint, sampling: Sampling) -> dict[str, Any]:
    row: dict[str, Any] = {"id": sample.id, "number": number, "status": Status.OK.value, "response": "", "message": ""}
    begun = time.perf_counter()
    try:
        content = target_content(sample.target)
        assert isinstance(content, bytes), "samples hold image files"
        [row["response"]] = endpoint.complete([user_message(sample.prompt, content)], **sampling.request(number))[:1]
    except EndpointError as error:
        row |= {"status": Status.INFRASTRUCTURE.value, "message": str(error)}
    return {**row, "seconds": round(time.perf_counter() - begun, 3)}
