"""Ranking within a group: a second pass over finished results. No component sees a group."""

from __future__ import annotations

from collections.abc import Sequence

from vincicoder.reward.result import RewardRequest, RewardResult
from vincicoder.status import Fault


def rank_group(requests: Sequence[RewardRequest], results: Sequence[RewardResult]) -> list[float | None]:
    """Rank the responses to one prompt by their reward.

    Args:
        requests: The requests of one group.
        results: Their results, in the same order.

    Returns:
        For each sample its rank in [0, 1]: the share of the other judged samples that it beats, a tie counting half;
        0.5 where it is the only one. None for a sample that could not be judged, which ranks nobody.

    Raises:
        ValueError: There are not as many results as requests.

    Example:
        >>> from vincicoder.status import Status
        >>> asked = [RewardRequest("", b"")] * 2
        >>> rank_group(asked, [RewardResult.failed(each, Status.NO_CODE, "no code") for each in asked])
        [0.5, 0.5]
    """
    if len(requests) != len(results):
        raise ValueError(f"there are {len(requests)} requests and {len(results)} results; expected one for each")
    judged = [each.status.fault in (Fault.NONE, Fault.RESPONSE) for each in results]
    rewards = [result.overall for result, counts in zip(results, judged, strict=True) if counts]
    return [
        _share_beaten(result.overall, rewards) if counts else None
        for result, counts in zip(results, judged, strict=True)
    ]


def _share_beaten(reward: float, all_rewards: Sequence[float]) -> float:
    others = len(all_rewards) - 1
    if others == 0:
        return 0.5
    beaten = sum(other < reward for other in all_rewards)
    ties = sum(other == reward for other in all_rewards) - 1
    return (beaten + ties / 2) / others
