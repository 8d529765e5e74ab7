"""Ranking within groups as trainers need it: for whole batches, and for samples that come one by one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError
from vincicoder.reward.pairwise import PairJudge, Ranking
from vincicoder.trainers.metrics import RANK, Metrics
from vincicoder.trainers.reward import group_of
from vincicoder.trainers.truncation import ZERO

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest, RewardResult

PATIENCE = 120.0
"""Seconds that the first response of a group waits for the others, where they come one by one."""

_FORGOTTEN_SECONDS = 600.0


def pair_judge(options: Mapping[str, Any]) -> PairJudge:
    """Return the judge that the option ``rank`` describes.

    Args:
        options: Options of ``PairJudge`` by name.

    Raises:
        ConfigError: One is unknown, missing, or has a value that cannot work.

    Example:
        >>> judge = pair_judge({"url": "http://localhost:8000/v1", "model": "judge", "pairs": 24})
    """
    try:
        return PairJudge(**options)
    except TypeError as error:
        raise ConfigError(f"the option rank: {error}; it needs url and model") from error


def ranked(
    judge: PairJudge,
    requests: Sequence[RewardRequest],
    samples: Sequence[Metrics],
    results: Mapping[int, RewardResult],
    training: bool = True,
) -> list[Metrics]:
    """Return the metrics of a batch of whole groups, with ranks as rewards.

    Args:
        judge: What compares.
        requests: What was scored.
        samples: The metrics of each.
        results: The results with their renders, by place; those that the data or the machine spoilt may be missing.
        training: Whether this is no validation, whose rewards stay, as they are compared with those of other steps.

    Raises:
        ScoringUnavailable: The judge gave no usable answer to any pair of a group.
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, request in enumerate(requests):
        groups[group_of(request)].append(index)
    found = list(samples)
    for members in groups.values():
        if not training or len(members) == 1:
            for index in members:
                found[index] = with_rank(samples[index], samples[index]["overall"], Ranking(()))
            continue
        there = [index for index in members if index in results]
        ranking = judge.rank_group([requests[each] for each in there], [results[each] for each in there])
        by_index = dict(zip(there, ranking.rewards, strict=True))
        for index in members:
            found[index] = with_rank(samples[index], by_index.get(index), ranking)
    return found


def check_truncation(rule: str) -> None:
    """Refuse rules for truncated responses that change rewards, since ranks take their place.

    Raises:
        ConfigError: The rule is not ``zero``.
    """
    if rule != ZERO:
        raise ConfigError(f"truncated is {rule!r}, but rank gives each response another reward; expected {ZERO!r}")


def with_rank(sample: Metrics, reward: float | None, ranking: Ranking, incomplete: bool = False) -> Metrics:
    """Return the metrics of a sample with its rank as the reward.

    Args:
        sample: Its metrics.
        reward: Its rank; None for a sample that could not be judged, whose reward becomes that of the middle.
        ranking: That of its group.
        incomplete: Whether the group was ranked without all of its members.
    """
    known = [each for each in ranking.rewards if each is not None]
    middle = sum(known) / len(known) if known else sample["overall"]
    return {
        **sample,
        "overall": middle if reward is None else reward,
        f"{RANK}unranked": sample["overall"],
        f"{RANK}pairs": ranking.asked / max(1, len(ranking.rewards)),
        f"{RANK}failed": ranking.failed / max(1, ranking.asked),
        f"{RANK}incomplete_group": float(incomplete),
    }


@dataclass
class _Group:
    """The members of a group that have come, and who waits for its ranking."""

    size: int
    requests: list[RewardRequest] = field(default_factory=list)
    results: list[RewardResult] = field(default_factory=list)
    missing: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    ranking: asyncio.Task[tuple[Ranking, bool]] | None = None

    def come(self) -> int:
        return len(self.results) + self.missing


class Rendezvous:
    """Where the responses of a group meet that a trainer passes one by one.

    Whoever comes first waits for the others, at most the patience; then those who are there are ranked. Who comes later
    is ranked among all who have come, which asks the judge about the new pairs only. Waiting holds no thread.

    Args:
        options: Options of ``PairJudge`` by name.
        patience: Seconds to wait for the whole group.

    Raises:
        ConfigError: An option is unknown, missing, or has a value that cannot work.
    """

    def __init__(self, options: Mapping[str, Any], patience: float = PATIENCE) -> None:
        self._judge = pair_judge(options)
        self._patience = patience
        self._groups: dict[str, _Group] = {}

    async def rank(
        self, uid: str, size: int, request: RewardRequest | None, result: RewardResult | None
    ) -> tuple[float | None, Ranking, bool]:
        """Return the rank of a response, that of its group, and whether the group was incomplete.

        Args:
            uid: What tells the group from all others.
            size: Members of the whole group.
            request: What was asked; None for a response that could not be judged, which only counts as having come.
            result: Its result, with the render.

        Raises:
            ScoringUnavailable: The judge gave no usable answer to any pair of the group.
        """
        if uid not in self._groups:
            self._groups[uid] = _Group(size)
            asyncio.get_running_loop().call_later(self._patience + _FORGOTTEN_SECONDS, self._groups.pop, uid, None)
        group = self._groups[uid]
        place = None
        if request is None or result is None:
            group.missing += 1
        else:
            place = len(group.results)
            group.requests.append(request)
            group.results.append(result)
        if group.come() >= group.size:
            group.full.set()
        if group.ranking is None or group.ranking.done():
            group.ranking = asyncio.ensure_future(self._ranked(group))
        ranking, incomplete = await asyncio.shield(group.ranking)
        if place is not None and place >= len(ranking.rewards):  # it came while the others were being ranked
            ranking, incomplete = await self._ranked(group)
        return None if place is None else ranking.rewards[place], ranking, incomplete

    async def _ranked(self, group: _Group) -> tuple[Ranking, bool]:
        try:
            await asyncio.wait_for(group.full.wait(), self._patience)
        except asyncio.TimeoutError:
            group.full.set()  # whoever comes later is ranked at once
        incomplete = group.come() < group.size
        ranking = await asyncio.to_thread(self._judge.rank_group, list(group.requests), list(group.results))
        return ranking, incomplete
