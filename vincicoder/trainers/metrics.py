"""Results as a training log wants them: plain floats, the same keys for every sample, never a hole."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from vincicoder.status import Status

if TYPE_CHECKING:
    from vincicoder.reward import RewardResult

COMPONENTS = ("overall", "visual", "coarse", "fine", "alignment", "execution")

FLAGS: dict[str, frozenset[Status]] = {
    "truncated": frozenset({Status.TRUNCATED}),
    "code_error": frozenset({Status.SYNTAX_ERROR, Status.RUNTIME_ERROR, Status.NO_OUTPUT}),
    "timeout": frozenset({Status.TIMEOUT}),
    "over_limit": frozenset({Status.OUT_OF_MEMORY, Status.TOO_LARGE}),
    "forbidden": frozenset({Status.FORBIDDEN}),
    "guarded": frozenset({Status.BLANK, Status.RASTER, Status.FOREIGN_FILE}),
    "bad_target": frozenset({Status.BAD_TARGET, Status.BAD_REQUEST}),
    "infrastructure": frozenset({Status.INFRASTRUCTURE}),
}
"""The statuses a training log tells apart, as 0/1 metrics whose mean is a share; no aligned code is
alignment 0."""

TIMES = ("render", "total")
"""The stages whose wall time a training log shows."""

Metrics = dict[str, float]

_NO_TIMES: Mapping[str, float] = MappingProxyType({})


def metrics_of(result: RewardResult) -> Metrics:
    """Return what a trainer logs of a result.

    Returns:
        The components; ``format`` (alignment) and ``accuracy`` (visual), as the public VinciCoder release
        calls them; the flags; and ``seconds_render`` and ``seconds_total``, which are 0 for a sample that
        could not be scored. The keys are always the same.
    """
    components = {name: float(getattr(result, name)) for name in COMPONENTS}
    return metrics_from(components, result.status, result.seconds)


def metrics_from(components: Metrics, status: Status, seconds: Mapping[str, float] = _NO_TIMES) -> Metrics:
    """Return the metrics of a sample with these components, this status and these times by stage."""
    times = {f"seconds_{stage}": seconds.get(stage, 0.0) for stage in TIMES}
    flags = {name: float(status in group) for name, group in FLAGS.items()}
    return {**components, "format": components["alignment"], "accuracy": components["visual"], **flags, **times}
