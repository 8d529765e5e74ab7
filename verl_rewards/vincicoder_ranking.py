"""Ranks within groups for verl, which passes responses one by one: they meet in an actor of the job.

A validation is not ranked, since only its rewards can be compared with those of other steps. verl does not tell a
reward what a response is for, so its own store is asked, in which a validation has a partition of its own.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import transfer_queue as tq

from vincicoder.errors import ConfigError
from vincicoder.images import target_content
from vincicoder.reward.pairwise import Ranking
from vincicoder.trainers.ranking import PATIENCE, Rendezvous, check_truncation, pair_judge, with_rank

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest, RewardResult
    from vincicoder.trainers import Metrics

_KEPT = 65_536  # groups


class GroupRanks:
    """Give each response the rank that a judge gives it in its group.

    Args:
        options: Options of ``vincicoder.reward.pairwise.PairJudge``, and ``patience``: seconds that the first response
            of a group waits for the others.
        size: Responses to a prompt in training.
        truncated: The rule for truncated responses.

    Raises:
        ConfigError: An option is unknown, missing, or has a value that cannot work.
    """

    def __init__(self, options: Mapping[str, Any], size: int, truncated: str) -> None:
        check_truncation(truncated)
        self._options = dict(options)
        self._patience = float(self._options.pop("patience", PATIENCE))
        if self._patience <= 0:
            raise ConfigError(f"rank.patience is {self._patience:g}; expected a number of seconds above 0")
        pair_judge(self._options)  # so that a wrong option is an error now
        self._size = size
        self._actor: Any = None
        self._training: OrderedDict[str, bool] = OrderedDict()

    async def ranked(self, uid: str, sample: Metrics, request: RewardRequest, result: RewardResult | None) -> Metrics:
        """Return the metrics of a response with its rank as the reward; in a validation with its reward unchanged.

        Args:
            uid: What tells its group from all others.
            sample: Its metrics.
            request: What was asked.
            result: Its result with the render; None if the data or the machine spoilt it.

        Raises:
            ScoringUnavailable: The judge gave no usable answer to any pair of the group.
        """
        if not await self._is_training(uid):
            return with_rank(sample, sample["overall"], Ranking(()))
        if self._actor is None:
            from vincicoder.cluster.ranking import ranking_actor

            self._actor = ranking_actor(Rendezvous, self._options, self._patience)
        if result is not None:
            request = dataclasses.replace(request, target=target_content(request.target))
            result = result.packed()
        reward, ranking, incomplete = await self._actor.rank.remote(uid, self._size, request, result)
        return with_rank(sample, reward, ranking, incomplete)

    async def _is_training(self, uid: str) -> bool:
        if uid not in self._training:
            self._training[uid] = await asyncio.to_thread(_is_of_training, uid)
            if len(self._training) > _KEPT:
                self._training.popitem(last=False)
        return self._training[uid]


def _is_of_training(uid: str) -> bool:
    tq.init()  # connects to the job's
    return uid in tq.kv_list(partition_id="train").get("train", {})
