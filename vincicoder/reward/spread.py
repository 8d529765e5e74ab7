"""What the rewards of a group can teach: how far apart they are, beside the noise of the reward itself.

GRPO divides by a group's standard deviation, so it learns from differences however small they are. A continuous reward
has them even where all responses are equally good: an image that is drawn again, or moved by a pixel, earns a little
more or less.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RULES = ("paper", "code")
"""When a group is dropped: if it is solved and alike, as UniWorld-R1's paper has it, or either, as its code has it."""


@dataclass(frozen=True)
class Spread:
    """How far apart rewards are within groups.

    Attributes:
        groups: Groups with at least two rewards.
        std: Mean of their standard deviations (of the population).
        range: Mean difference between the best and the worst reward.
        below_noise: Share of the groups whose standard deviation is below twice the noise.
    """

    groups: int
    std: float
    range: float
    below_noise: float


def spread(groups: Iterable[Sequence[float]], noise: float) -> Spread:
    """Return how far apart the rewards of each group are; a group of one says nothing.

    Args:
        groups: Rewards of the judged responses to one prompt each.
        noise: Standard deviation of the reward where nothing has changed but the rendering.

    Example:
        >>> spread([[0.25, 0.75], [0.5, 0.5], [0.9]], noise=0.005)
        Spread(groups=2, std=0.125, range=0.25, below_noise=0.5)
    """
    known = [group for group in groups if len(group) > 1]
    if not known:
        return Spread(0, 0.0, 0.0, 0.0)
    deviations = [statistics.pstdev(group) for group in known]
    return Spread(
        len(known),
        statistics.fmean(deviations),
        statistics.fmean(max(group) - min(group) for group in known),
        sum(each < 2 * noise for each in deviations) / len(known),
    )


def keep_group(rewards: Sequence[float], rule: str = "code", solved: float = 0.9, alike: float = 0.05) -> bool:
    """Return whether a group should be learned from.

    Args:
        rewards: Of the judged responses to one prompt.
        rule: "code" drops a group whose mean is ``solved`` or more, and one whose standard deviation is ``alike`` or
            less. "paper" drops a group only if its mean is above ``solved`` and its standard deviation below ``alike``.
            Both are UniWorld-R1's (arXiv 2510.16888), whose paper and code differ.
        solved: Mean reward from which a prompt has nothing left to teach.
        alike: Standard deviation (of the population) up to which rewards say nothing.

    Raises:
        ValueError: There is no such rule.

    Example:
        >>> keep_group([0.95, 0.7, 0.99, 0.99]), keep_group([0.5, 0.5]), keep_group([0.5, 0.5], "paper")
        (False, False, True)
    """
    if rule not in RULES:
        raise ValueError(f"rule is {rule!r}; expected one of: {', '.join(RULES)}")
    if not rewards:
        return False
    mean, std = statistics.fmean(rewards), statistics.pstdev(rewards)
    if rule == "paper":
        return not (mean > solved and std < alike)
    return mean < solved and std > alike
