"""Results as a training log wants them: finite floats, the same keys for every sample, never a hole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vincicoder.languages import LANGUAGES
from vincicoder.reward.result import NAMED_SCORES
from vincicoder.status import Fault, Status
from vincicoder.trainers.credit import PREFIXES

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

TIMES = {"seconds_render": "render", "seconds_wait": "wait", "seconds_total": "total"}
"""The wall times that a training log shows, by metric, and the stage of each."""

_TIMED = {
    "render": "of the render",
    "wait": "that a sample spends in queues, which is what its stages leave of the total",
    "total": "from submission to result",
}

QUEUE = "queue"
"""How many samples of the process were under way when a sample came, itself included."""

PERCENTILES: dict[str, tuple[int, ...]] = {
    "overall": (5, 95),
    "seconds_render": (50, 95),
    "seconds_wait": (50, 95),
    QUEUE: (50, 95),
}
"""The metrics of which a log gets percentiles: the range of rewards that is used, and what a step waits for."""

DOMAIN = "domain/"
"""What the names of metrics of one domain begin with. They are means over its own samples."""

UNKNOWN = "stand_in_unknown"
"""1 for a sample that the machine failed to score and that has the mean of other prompts, not of its siblings."""

BAD_REFERENCE = "bad_reference"
"""1 for a sample whose reference was of no use and was left out."""

BENCHMARK = "benchmark/"
"""What the names of a benchmark's metrics begin with."""

GROUP = "group/"
"""What the names of metrics of groups begin with."""

RANK = "rank/"
"""What the names of metrics of ranking within groups begin with."""

TURN = "turn/"
"""What the names of metrics of an episode's turns begin with."""

LANGUAGE = "language/"
"""What the names of metrics of one language begin with. Divide by ``share`` to get means over its own samples."""

BY_LANGUAGE = ("share", "overall", "execution")
"""The metrics of each language, after its name."""

COUNT = "count/"
"""What the names of counts in sums begin with: of benchmarks' samples, and of groups."""

EXPLAINED: dict[str, str] = {
    "overall": "the reward that the trainer learns from",
    "visual": "the preset's combined visual part",
    "coarse": "similarity of the thumbnails",
    "fine": "mean similarity of the tiles",
    "alignment": "share of responses that answer in the requested language",
    "execution": "share of responses whose code gave an image",
    "NAME of a component": "its score, such as `paper`; 0 where it does not apply",
    "format": "alignment, as the public release calls it",
    "accuracy": "visual, as the public release calls it",
    **{name: f"share of {' '.join(f'`{each.value}`' for each in sorted(found))}" for name, found in FLAGS.items()},
    UNKNOWN: "share of faults of the machine whose siblings were not known in time",
    BAD_REFERENCE: "share of samples whose reference does not render or does not show the target, and was left out",
    **{name: f"wall time {_TIMED[stage]}, in seconds" for name, stage in TIMES.items()},
    QUEUE: "samples of the process under way when a sample came, itself included",
    "na/NAME of a component": "share of samples to which it does not apply; its own mean counts them as 0",
    f"{GROUP}std": "mean standard deviation of the rewards of one prompt's responses, in training",
    f"{GROUP}range": "mean difference between the best and the worst of them",
    f"{GROUP}below_noise": "share of groups whose standard deviation is below twice the option `noise`",
    f"{GROUP}DOMAIN/NAME": "each of these three for the rows of one domain, or language where no domain is known",
    f"{TURN}first": "the reward of the first turn's render, where [episodes have turns](beyond.md)",
    f"{TURN}last": "that of the last turn's render, before a last turn that made it worse gets 0",
    f"{TURN}NUMBER/share": "share of episodes with that turn",
    f"{TURN}NUMBER/gain": f"what the turn added to the reward, 0 without it: divide by `{TURN}NUMBER/share`",
    f"{TURN}NUMBER/worse": f"share of episodes in which the turn made it worse: divide by `{TURN}NUMBER/share`",
    f"{TURN}sabotage": "share of episodes that improved, and end no better than their group began on average",
    **{
        f"p{percent}/{name}": f"the value that {percent} % of the samples of a training batch are below, of `{name}`"
        for name, percents in PERCENTILES.items()
        for percent in percents
    },
    **{
        f"{DOMAIN}NAME/{name}": f"`{name}` of the samples of one domain, or language where no domain is known"
        for name in ("overall", "execution")
    },
    f"{RANK}unranked": "what `overall` would be if no [judge ranked](beyond.md#ranks-in-a-group) the group",
    f"{RANK}pairs": "questions to that judge for each response",
    f"{RANK}failed": "share of them without a usable answer",
    f"{RANK}incomplete_group": "share of responses whose group was ranked without all of its members",
    f"{LANGUAGE}NAME/share": "share of samples in that language",
    **{
        f"{LANGUAGE}NAME/{name}": f"`{name}`, with 0 for samples in other languages: divide by `{LANGUAGE}NAME/share`"
        for name in BY_LANGUAGE[1:]
    },
    f"{BENCHMARK}NAME/COLUMN": "in validation: a [column of the benchmark](evaluation.md#while-it-trains)",
    f"{BENCHMARK}NAME/unjudged": "share of its samples that could not be measured, which is no fault of the model",
}
"""What each metric is, for ``docs/metrics.md``."""

Metrics = dict[str, Any]
"""Finite floats by name; a text under `credit.PREFIXES`, where prefixes are scored."""

_NO_TIMES: Mapping[str, float] = MappingProxyType({})


def metrics_of(result: RewardResult, components: Sequence[str] = ("paper",), queue: int = 0) -> Metrics:
    """Return what a trainer logs of a result.

    Args:
        result: The result.
        components: Names of the preset's components.
        queue: How many samples were under way when it came.

    Returns:
        A value for everything that ``EXPLAINED`` names. The keys are always the same; times are 0 for a sample that
        could not be scored.

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
    return metrics_from(
        {**measured, **named},
        result.status,
        components,
        {**result.seconds, "wait": _waited(result.seconds)},
        absent,
        bad_reference=bool(result.note),
        language=result.language if result.status.fault in (Fault.NONE, Fault.RESPONSE) else None,
        queue=queue,
    )


def _waited(seconds: Mapping[str, float]) -> float:
    stages = sum(each for stage, each in seconds.items() if stage != "total")
    return max(0.0, seconds.get("total", 0.0) - stages)


def percentile_name(name: str, percent: int) -> str:
    """Return what a percentile of a metric is called.

    Example:
        >>> percentile_name("seconds_render", 95)
        'p95/seconds_render'
    """
    return f"p{percent}/{name}"


def metrics_from(
    scores: Mapping[str, float],
    status: Status,
    components: Sequence[str],
    seconds: Mapping[str, float] = _NO_TIMES,
    absent: Iterable[str] = (),
    unknown: bool = False,
    bad_reference: bool = False,
    language: str | None = None,
    queue: int = 0,
) -> Metrics:
    """Return the metrics of a sample.

    Args:
        scores: Its scores by name; what is missing is 0.
        status: What became of it.
        components: Names of the preset's components.
        seconds: Wall time by stage.
        absent: Components that do not apply.
        unknown: Whether the scores stand in for it and do not come from its siblings.
        bad_reference: Whether its reference was left out.
        language: The requested language, if the sample was judged.
        queue: How many samples were under way when it came.
    """
    names = dict.fromkeys((*NAMED_SCORES, *components))
    return {
        **{name: float(scores.get(name, 0.0)) for name in names},
        "format": scores.get("alignment", 0.0),
        "accuracy": scores.get("visual", 0.0),
        **{name: float(status in statuses) for name, statuses in FLAGS.items()},
        UNKNOWN: float(unknown),
        BAD_REFERENCE: float(bad_reference),
        **{name: seconds.get(stage, 0.0) for name, stage in TIMES.items()},
        QUEUE: float(queue),
        **{f"na/{name}": float(name in absent) for name in components},
        **_of_languages(language, {"share": 1.0, **scores}),
    }


def _of_languages(language: str | None, scores: Mapping[str, float]) -> Metrics:
    """Return the metrics of every language: those of the sample's own, and 0 for the others."""
    return {
        f"{LANGUAGE}{each}/{name}": float(scores.get(name, 0.0)) if each == language else 0.0
        for each in LANGUAGES
        for name in BY_LANGUAGE
    }


def is_judged(metrics: Metrics) -> bool:
    """Whether the scores of a sample are its own: neither the data nor the machine failed."""
    return not any(metrics[name] for name in _UNJUDGED)


def outcome_of(metrics: Metrics) -> str:
    """Return in a word what became of a sample: ``ok``, the kind of its failure, or ``not_aligned``.

    Example:
        >>> outcome_of(metrics_from({}, Status.TIMEOUT, []))
        'timeout'
    """
    return next((name for name in FLAGS if metrics[name]), "ok" if metrics["execution"] else "not_aligned")


def sums_of(samples: Sequence[Metrics]) -> Counter[str]:
    """Return the sum of every metric, and how many samples it is of: ``count``, and ``judged`` of them.

    Metrics of benchmarks, which not every sample has, come with a count of their own. Scores and times are summed over
    the judged samples only. Sums of several batches and ranks may be added.
    """
    sums: Counter[str] = Counter()
    for sample in samples:
        judged = is_judged(sample)
        sums.update({"count": 1, "judged": int(judged)})
        measured = {name: value for name, value in sample.items() if name.startswith(BENCHMARK)}
        others = {name: value for name, value in sample.items() if name not in measured and name != PREFIXES}
        sums.update({name: value if judged or _is_share(name) else 0.0 for name, value in others.items()})
        sums.update(measured)
        sums.update({f"{COUNT}{name}": 1 for name in measured})
    return sums


def means(sums: Mapping[str, float]) -> Metrics:
    """Return the mean of every metric: scores and times over the judged samples, shares over all.

    Args:
        sums: What :func:`sums_of` returned, or several of them added up.

    Example:
        >>> means({"count": 4, "judged": 2, "overall": 1.0, "infrastructure": 2.0})
        {'overall': 0.5, 'infrastructure': 0.5}
    """
    return {
        name: value / max(1, sums[_count_of(name)])
        for name, value in sums.items()
        if name not in ("count", "judged") and not name.startswith(COUNT)
    }


def weight(sums: Mapping[str, float], name: str) -> int:
    """Return how often a mean counts among those of other batches: by its samples for a benchmark, else once.

    Args:
        sums: See :func:`means`.
        name: Of the metric.

    Example:
        >>> sums = {"count": 4, "benchmark/unisvg/ssim": 90.0, "count/benchmark/unisvg/ssim": 3}
        >>> weight(sums, "benchmark/unisvg/ssim")
        3
    """
    return int(sums[_count_of(name)]) if name.startswith(BENCHMARK) else 1


_OF_BATCHES = {percentile_name(name, percent) for name, percents in PERCENTILES.items() for percent in percents}


def _count_of(name: str) -> str:
    """Return the name under which the sums hold what a metric's mean is over."""
    if name.startswith((BENCHMARK, DOMAIN)) or name in _OF_BATCHES:
        return f"{COUNT}{name}"
    if name.startswith(GROUP):
        return COUNT + name[: name.rindex("/") + 1]
    return "count" if _is_share(name) else "judged"


def _is_share(name: str) -> bool:
    return name in FLAGS or name == UNKNOWN or name.startswith("na/")
