"""Refinement of many samples, on from where a run stopped, and what the rounds were worth."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vincicoder.endpoint import Endpoint
from vincicoder.errors import MachineFault
from vincicoder.evaluation.asking import HOPELESS, in_threads
from vincicoder.evaluation.benchmark import Sample
from vincicoder.evaluation.refinement import Judge, refine
from vincicoder.reporting import ResultsFile
from vincicoder.reward import Scorer
from vincicoder.status import Status


def refine_samples(
    benchmark: str,
    samples: Iterable[Sample],
    endpoint: Endpoint,
    path: str | Path,
    rounds: int,
    *,
    scorer: Scorer,
    candidates: int = 1,
    judge: Judge | None = None,
    seed: int = 0,
    sampling: Mapping[str, Any] | None = None,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
) -> tuple[list[dict[str, Any]], int]:
    """Refine a benchmark's samples into a file of predictions; what is there already is not done again.

    Args:
        benchmark: Name of the benchmark.
        samples: What to refine.
        endpoint: The model.
        path: The file.
        rounds: Rounds after the first answer.
        scorer: What renders and compares; it sees targets only, never references.
        candidates: Answers a round.
        judge: Decides between two renders, or None for the reward.
        seed: Of the model's sampling.
        sampling: Further fields of the requests.
        progress: Called for each sample, with whether it was refined now.
        complain: Called with a sentence for each sample that could not be.

    Returns:
        What ``Refinement.to_dict`` says of each sample, and how many samples are missing.

    Raises:
        MachineFault: Nothing works; what was refined before is kept.
        ConfigError: The file holds something else.
    """
    settings = [benchmark, endpoint.model, rounds, candidates, seed, dict(sampling or {}), judge is not None]
    digest = hashlib.blake2b(json.dumps(settings).encode(), digest_size=12).hexdigest()
    predictions = ResultsFile(path, digest)
    found: list[dict[str, Any]] = []

    def work(sample: Sample) -> dict[str, Any]:
        row: dict[str, Any] = {"benchmark": benchmark, "model": f"{endpoint.model}, refined", "id": sample.id}
        row |= {"number": 0, "status": Status.OK.value, "message": "", "response": ""}
        try:
            refined = refine(
                endpoint, sample.target, rounds, scorer=scorer, language=sample.language, prompt=sample.prompt,
                candidates=candidates, judge=judge, seed=seed, sampling=sampling,
            )  # fmt: skip
        except MachineFault as error:
            return row | {"status": Status.INFRASTRUCTURE.value, "message": str(error)}
        return row | {"response": refined.best.response, "refinement": refined.to_dict()}

    def wanted() -> Iterator[Sample]:
        for sample in samples:
            earlier = predictions.take(sample.id)
            if earlier is None:
                yield sample
            else:
                found.append(earlier["refinement"])
                progress(False)

    missing = in_a_row = 0
    try:
        for row in in_threads(work, wanted(), endpoint.concurrency):
            predictions.write(row["id"], row)
            if "refinement" in row:
                found.append(row["refinement"])
                progress(True)
                in_a_row = 0
                continue
            missing += 1
            in_a_row += 1
            complain(f"sample {row['id']}: {row['message']}")
            if in_a_row >= HOPELESS:
                raise MachineFault(f"{in_a_row} samples in a row failed, the last one so: {row['message']}")
    finally:
        predictions.close()
    return found, missing


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
