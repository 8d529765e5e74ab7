"""What is said of a batch as a whole, for logs: percentiles, and means by domain. The judged samples count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from vincicoder.trainers.members import Member
from vincicoder.trainers.metrics import COUNT, DOMAIN, PERCENTILES, Metrics, is_judged, means, percentile_name

BY_DOMAIN = ("overall", "execution")
"""The metrics of each domain, after its name."""


def sums_of_batch(members: Sequence[Member], samples: Sequence[Metrics]) -> Counter[str]:
    """Return sums that say what the batch is like, to be added to those of ``metrics.sums_of``.

    Percentiles of several batches cannot be had from their own, so that of a step with several batches is the mean.

    Args:
        members: The responses of a batch.
        samples: The metrics of each.

    Example:
        >>> sample = {"overall": 0.5, "execution": 1.0, "seconds_render": 2.0, "seconds_wait": 0.0, "queue": 1.0}
        >>> from vincicoder.trainers.metrics import FLAGS
        >>> sample |= dict.fromkeys(FLAGS, 0.0)
        >>> sums_of_batch([Member("a", "web", 0.5)] * 2, [sample] * 2)["p95/seconds_render"]
        2.0
    """
    judged = [(member, each) for member, each in zip(members, samples, strict=True) if is_judged(each)]
    sums: Counter[str] = Counter()
    for member, each in judged:
        for name in BY_DOMAIN:
            own = f"{DOMAIN}{member.domain}/{name}"
            sums.update({own: each[name], f"{COUNT}{own}": 1})
    for name, percents in PERCENTILES.items() if judged else ():
        found = np.percentile([each[name] for _, each in judged], percents)
        for percent, value in zip(percents, found, strict=True):
            own = percentile_name(name, percent)
            sums.update({own: float(value), f"{COUNT}{own}": 1})
    return sums


def metrics_of_batch(members: Sequence[Member], samples: Sequence[Metrics]) -> Metrics:
    """Return the same as metrics, for a trainer that takes a number for each sample and averages.

    Args:
        members: The responses of a batch.
        samples: The metrics of each.
    """
    return means(sums_of_batch(members, samples))
