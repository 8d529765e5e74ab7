"""The responses of a batch as members of groups: how far apart their rewards are, for logs and against noise.

A group is the responses to one prompt. What is said of groups here is said of those members that one process sees at
once: whole groups in EasyR1 and verl, and as a rule in TRL and ms-swift.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any, NamedTuple

from vincicoder.data.domains import DOMAINS
from vincicoder.errors import ConfigError
from vincicoder.reward.spread import Spread, spread
from vincicoder.trainers.metrics import COUNT, GROUP, Metrics, is_judged
from vincicoder.trainers.reward import group_of

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

_NAME = re.compile(r"[\w.-]+")


class Member(NamedTuple):
    """A response as a member of its group.

    Attributes:
        group: What tells the group from all others of the job.
        domain: Name of what the target shows.
        reward: What the response earned, or None where it could not be judged.
    """

    group: str
    domain: str
    reward: float | None


def members_of(requests: Sequence[RewardRequest], samples: Sequence[Metrics]) -> list[Member]:
    """Return the responses of a batch as members of their groups.

    Args:
        requests: What was scored.
        samples: The metrics of each.
    """
    return [
        Member(
            group_of(request),
            domain_of(request.metadata, request.language),
            each["overall"] if is_judged(each) else None,
        )
        for request, each in zip(requests, samples, strict=True)
    ]


def domain_of(metadata: Mapping[str, Any], language: str | None = None) -> str:
    """Return a row's domain: its own, else that of the name of its data set, else its language.

    Args:
        metadata: Columns of the row, of which ``domain`` and ``data_source`` count.
        language: The requested language.

    Example:
        >>> domain_of({"domain": "chart"}), domain_of({"data_source": "vincicoder/web"}), domain_of({}, "svg")
        ('chart', 'web', 'svg')
    """
    for given in (metadata.get("domain"), str(metadata.get("data_source", "")).removeprefix("vincicoder/")):
        if given in DOMAINS:
            return str(given)
    return language if language and _NAME.fullmatch(language) else "others"


def sums_of_groups(members: Sequence[Member], noise: float) -> Counter[str]:
    """Return sums over groups, of all and by domain, to be added to those of ``metrics.sums_of``.

    Args:
        members: The responses of a batch.
        noise: See `vincicoder.reward.spread`.

    Example:
        >>> group = [Member("a", "svg", 0.25), Member("a", "svg", 0.75)]
        >>> sums_of_groups(group, 0.005)["group/std"], sums_of_groups(group, 0.005)["group/svg/range"]
        (0.25, 0.5)
    """
    rewards = _rewards(members)
    sums: Counter[str] = Counter()
    by_domain: defaultdict[str, dict[str, list[float]]] = defaultdict(dict)
    for member in members:
        by_domain[member.domain][member.group] = rewards[member.group]
    named = {GROUP: rewards, **{f"{GROUP}{domain}/": groups for domain, groups in by_domain.items()}}
    for prefix, groups in named.items():
        found = spread(groups.values(), noise)
        if found.groups:
            sums.update({name: value * found.groups for name, value in _metrics(prefix, found).items()})
            sums[COUNT + prefix] = found.groups
    return sums


def spread_by_sample(members: Sequence[Member], noise: float) -> list[Metrics]:
    """Return what each response's own group says, for a trainer that averages the metrics of samples.

    All have the same keys; a response to a row of another domain has the domain's mean, so that the mean over samples
    stays what it is. A group with fewer than two judged members teaches nothing. A batch without groups, as in most
    validations, has no such metrics.

    Args:
        members: The responses of a batch.
        noise: See `vincicoder.reward.spread`.

    Example:
        >>> alone, two = Member("a", "svg", 0.5), [Member("b", "web", 0.25), Member("b", "web", 0.75)]
        >>> spread_by_sample([alone], 0.005)
        [{}]
        >>> [each["group/std"] for each in spread_by_sample([alone, *two], 0.005)]
        [0.0, 0.25, 0.25]
    """
    spreads = {group: spread([rewards], noise) for group, rewards in _rewards(members).items()}
    if not any(found.groups for found in spreads.values()):
        return [{} for _ in members]
    known = {group: found if found.groups else Spread(1, 0.0, 0.0, 1.0) for group, found in spreads.items()}
    by_domain: Metrics = {}
    for domain in dict.fromkeys(each.domain for each in members):
        own = [_metrics(f"{GROUP}{domain}/", known[each.group]) for each in members if each.domain == domain]
        by_domain |= {name: fmean(each[name] for each in own) for name in own[0]}
    return [
        {**by_domain, **_metrics(GROUP, known[each.group]), **_metrics(f"{GROUP}{each.domain}/", known[each.group])}
        for each in members
    ]


def levelled(
    scores: Sequence[float | None], members: Sequence[Member], least_spread: float, size: int | None = None
) -> list[float | None]:
    """Return scores, with one mean for all of a group whose rewards differ by too little to learn from.

    GRPO divides the differences by their own standard deviation, however small, and so learns from noise. Where all are
    equal it learns nothing.

    Args:
        scores: What the trainer would get for each response; None for one that has no score.
        members: The responses as members of their groups.
        least_spread: Standard deviation (of the population) that the rewards of a group must have.
        size: Members of a whole group; others are let be. None if that is not known.

    Example:
        >>> members = [Member("a", "svg", 0.5), Member("a", "svg", 0.502), Member("b", "svg", 0.9)]
        >>> levelled([0.5, 0.502, 0.9], members, 0.01)
        [0.501, 0.501, 0.9]
    """
    sizes = Counter(each.group for each in members)
    own: dict[str, list[float]] = {each.group: [] for each in members}
    for score, each in zip(scores, members, strict=True):
        if score is not None and each.reward is not None:
            own[each.group].append(score)
    means = {
        group: fmean(own[group])
        for group, rewards in _rewards(members).items()
        if len(rewards) > 1 and pstdev(rewards) < least_spread and size in (None, sizes[group]) and own[group]
    }
    return [
        means.get(each.group, score) if score is not None and each.reward is not None else score
        for score, each in zip(scores, members, strict=True)
    ]


def share_of(name: str, value: Any) -> float:
    """Return an option of this file's functions as a number.

    Args:
        name: Of the option, for the error message.
        value: What was given for it.

    Raises:
        ConfigError: It is no number from 0 to 1.

    Example:
        >>> share_of("noise", "0.01")
        0.01
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise ConfigError(f"{name} is {value!r}; expected a number from 0 to 1")
    return number


def _rewards(members: Sequence[Member]) -> dict[str, list[float]]:
    """Return the rewards of the judged members of each group."""
    rewards: dict[str, list[float]] = {each.group: [] for each in members}
    for each in members:
        if each.reward is not None:
            rewards[each.group].append(each.reward)
    return rewards


def _metrics(prefix: str, found: Spread) -> Metrics:
    return {f"{prefix}std": found.std, f"{prefix}range": found.range, f"{prefix}below_noise": found.below_noise}
