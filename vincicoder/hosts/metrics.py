"""Results as a training log wants them: plain floats, the same keys for every sample, never a hole."""

from __future__ import annotations

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

Metrics = dict[str, float]


def metrics_of(result: RewardResult) -> Metrics:
    """Return what a trainer logs of a result.

    Returns:
        The components; ``format`` (alignment) and ``accuracy`` (visual), as the public VinciCoder release
        calls them; and the flags. The keys are always the same.
    """
    return metrics_from({name: float(getattr(result, name)) for name in COMPONENTS}, result.status)


def metrics_from(components: Metrics, status: Status) -> Metrics:
    """Return the metrics of a sample with these components and this status."""
    flags = {name: float(status in group) for name, group in FLAGS.items()}
    return {**components, "format": components["alignment"], "accuracy": components["visual"], **flags}
