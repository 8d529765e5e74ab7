"""Results as a training log wants them: finite floats, the same keys for every sample, never a hole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from vincicoder.reward.result import NAMED_SCORES
from vincicoder.status import Fault, Status

if TYPE_CHECKING:
    from vincicoder.reward import RewardResult

FLAGS: dict[str, frozenset[Status]] = {
    "truncated": frozenset({Status.TRUNCATED}),
    "code_error": frozenset({Status.SYNTAX_ERROR, Status.RUNTIME_ERROR, Status.NO_OUTPUT}),
    "timeout": frozenset({Status.TIMEOUT}),
    "over_limit": frozenset({Status.OUT_OF_MEMORY, Status.TOO_LARGE}),
    "forbidden": frozenset({Status.FORBIDDEN}),
    "guarded": frozenset({Status.BLANK, Status.RASTER, Status.FOREIGN_FILE}),
    "bad_target": frozenset({Status.BAD_TARGET}),
    "bad_request": frozenset({Status.BAD_REQUEST}),
    "infrastructure": frozenset({Status.INFRASTRUCTURE}),
}
"""The statuses a training log tells apart, as 0/1 metrics whose mean is a share; no aligned code is alignment 0."""

_UNJUDGED = tuple(
    name for name, statuses in FLAGS.items() if any(each.fault in (Fault.DATA, Fault.MACHINE) for each in statuses)
)

TIMES = ("render", "total")
"""The stages whose wall time a training log shows."""

UNKNOWN = "stand_in_unknown"
"""1 for a sample that the machine failed to score and that has the mean of other prompts, not of its siblings."""

Metrics = dict[str, float]

_NO_TIMES: Mapping[str, float] = MappingProxyType({})


def metrics_of(result: RewardResult, components: Sequence[str] = ("paper",)) -> Metrics:
    """Return what a trainer logs of a result.

    Args:
        result: The result.
        components: Names of the preset's components.

    Returns:
        The named scores and every component; ``format`` (alignment) and ``accuracy`` (visual), as the public VinciCoder
        release calls them; the flags; ``seconds_render`` and ``seconds_total``, which are 0 for a sample that could not
        be scored; and ``na/NAME``, 1 where a component does not apply to the target. The keys are always the same.

    Example:
        >>> from vincicoder.reward import RewardRequest, RewardResult
        >>> failed = RewardResult.failed(RewardRequest("", b""), Status.TIMEOUT, "it took too long")
        >>> metrics_of(failed)["timeout"], metrics_of(failed)["paper"]
        (1.0, 0.0)
    """
    scores = {name: result.scores.get(name, 0.0) for name in components}
    absent = {name for name, score in scores.items() if score is None}
    measured = {name: float(score or 0.0) for name, score in scores.items()}
    named = {name: float(getattr(result, name)) for name in NAMED_SCORES}
    return metrics_from({**measured, **named}, result.status, components, result.seconds, absent)


def metrics_from(
    scores: Mapping[str, float],
    status: Status,
    components: Sequence[str],
    seconds: Mapping[str, float] = _NO_TIMES,
    absent: Iterable[str] = (),
    unknown: bool = False,
) -> Metrics:
    """Return the metrics of a sample.

    Args:
        scores: Its scores by name; what is missing is 0.
        status: What became of it.
        components: Names of the preset's components.
        seconds: Wall time by stage.
        absent: Components that do not apply.
        unknown: Whether the scores stand in for it and do not come from its siblings.
    """
    names = dict.fromkeys((*NAMED_SCORES, *components))
    return {
        **{name: float(scores.get(name, 0.0)) for name in names},
        "format": scores.get("alignment", 0.0),
        "accuracy": scores.get("visual", 0.0),
        **{name: float(status in statuses) for name, statuses in FLAGS.items()},
        UNKNOWN: float(unknown),
        **{f"seconds_{stage}": seconds.get(stage, 0.0) for stage in TIMES},
        **{f"na/{name}": float(name in absent) for name in components},
    }


def is_judged(metrics: Metrics) -> bool:
    """Whether the scores of a sample are its own: neither the data nor the machine failed."""
    return not any(metrics[name] for name in _UNJUDGED)


def sums_of(samples: Sequence[Metrics]) -> Counter[str]:
    """Return the sum of every metric, and how many samples it is of: ``count``, and ``judged`` of them.

    Scores and times are summed over the judged samples only. Sums of several batches and ranks may be added.
    """
    sums: Counter[str] = Counter()
    for sample in samples:
        judged = is_judged(sample)
        sums.update({"count": 1, "judged": int(judged)})
        sums.update({name: value if judged or _is_share(name) else 0.0 for name, value in sample.items()})
    return sums


def means(sums: Mapping[str, float]) -> Metrics:
    """Return the mean of every metric: scores and times over the judged samples, shares over all.

    Example:
        >>> means({"count": 4, "judged": 2, "overall": 1.0, "infrastructure": 2.0})
        {'overall': 0.5, 'infrastructure': 0.5}
    """
    return {
        name: value / max(1, sums["count"] if _is_share(name) else sums["judged"])
        for name, value in sums.items()
        if name not in ("count", "judged")
    }


def _is_share(name: str) -> bool:
    return name in FLAGS or name == UNKNOWN or name.startswith("na/")
