"""Refinement of many samples, on from where a run stopped, and what the rounds were worth."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vincicoder.endpoint import Endpoint
from vincicoder.errors import MachineFault
from vincicoder.evaluation.asking import Tally, in_threads
from vincicoder.evaluation.benchmark import Sample
from vincicoder.evaluation.refinement import refine
from vincicoder.reporting import ResultsFile, Settings
from vincicoder.status import Status


def refine_samples(
    benchmark: str,
    samples: Iterable[Sample],
    endpoint: Endpoint,
    path: str | Path,
    *,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
    **options: Any,
) -> tuple[list[dict[str, Any]], int]:
    """Refine a benchmark's samples into a file of predictions; what is there already is not done again.

    Args:
        benchmark: Name of the benchmark.
        samples: What to refine.
        endpoint: The model.
        path: The file.
        progress: Called for each sample, with whether it was refined now.
        complain: Called with a sentence for each sample that could not be.
        options: Those of `refine`: ``rounds``, ``scorer`` and so on. The scorer sees targets only, never references.

    Returns:
        What ``Refinement.to_dict`` says of each sample, and how many samples are missing.

    Raises:
        MachineFault: Nothing works; what was refined before is kept.
        ConfigError: The file holds something else.
    """
    plain = {name: value for name, value in options.items() if name not in ("scorer", "judge")}
    plain |= {"benchmark": benchmark, "model": endpoint.model, "judge": options.get("judge") is not None}
    predictions, tally = ResultsFile(path, Settings(plain)), Tally(progress, complain)
    about = {"benchmark": benchmark, "model": f"{endpoint.model}, refined", "number": 0}
    found: list[dict[str, Any]] = []

    def work(sample: Sample) -> dict[str, Any]:
        try:
            refined = refine(endpoint, sample.target, language=sample.language, prompt=sample.prompt, **options)
        except MachineFault as error:
            return {"id": sample.id, "status": Status.INFRASTRUCTURE.value, "message": str(error)}
        told = {"response": refined.best.response, "refinement": refined.to_dict()}
        return {"id": sample.id, "status": Status.OK.value, **told}

    try:
        for row in in_threads(work, _wanted(samples, predictions, found, tally), endpoint.concurrency):
            predictions.write(row["id"], {**about, **row})
            if "refinement" in row:
                found.append(row["refinement"])
                tally.answered()
            else:
                tally.failed(row["id"], row["message"])
    finally:
        predictions.close()
    return found, tally.end()


def _wanted(
    samples: Iterable[Sample], predictions: ResultsFile, found: list[dict[str, Any]], tally: Tally
) -> Iterator[Sample]:
    """Yield the samples that no earlier run has refined; note what the others gave."""
    for sample in samples:
        earlier = predictions.take(sample.id)
        if earlier is None:
            yield sample
        else:
            found.append(earlier["refinement"])
            tally.answered(fresh=False)


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the rounds were worth over some refinements.

    Args:
        found: What ``Refinement.to_dict`` says of each.

    Example:
        >>> one = {"scores": [0.5, 0.75], "worse": 0, "requests": 2, "model_seconds": 1.0, "score_seconds": 0.5}
        >>> summary([one, one | {"scores": [0.25, 0.25], "worse": 1}])["gains"]
        [0.125]
    """
    count = max(len(found), 1)
    rounds = max((len(each["scores"]) for each in found), default=1)
    scores = [sum(each["scores"][number] for each in found) / count for number in range(rounds)]
    totals = {name: sum(each[name] for each in found) for name in ("requests", "model_seconds", "score_seconds")}
    return {
        "samples": len(found),
        "scores": scores,
        "gains": [after - before for before, after in itertools.pairwise(scores)],
        "worse": sum(each["worse"] for each in found) / max(1, len(found) * (rounds - 1)),
        **totals,
    }


def table(told: Mapping[str, Any]) -> str:
    """Return a summary as text."""
    lines = [f"{'round':<6} {'reward':>7} {'gain':>8}"]
    for number, score in enumerate(told["scores"]):
        gain = f"{told['gains'][number - 1]:+8.4f}" if number else ""
        lines.append(f"{number:<6} {score:>7.4f} {gain:>8}".rstrip())
    lines.append(f"later rounds that were worse than what they began with: {100 * told['worse']:.0f} %")
    cost = f"{told['requests']:,} requests, {told['model_seconds']:.1f} s of the model"
    lines.append(f"{told['samples']:,} samples: {cost}, {told['score_seconds']:.1f} s of rendering and comparing")
    return "\n".join(lines)
