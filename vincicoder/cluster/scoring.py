"""One node's part of the service: a ``VisualReward`` with the node's render workers."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Mapping
from typing import Any

from vincicoder.cluster.encoding import RemoteEncoder
from vincicoder.cluster.metrics import NodeMetrics, count_start
from vincicoder.images import TargetLike
from vincicoder.reward import RewardRequest, RewardResult, VisualReward


class NodeScorer:
    """A Ray actor, pinned to a node. Its calls run in threads, as many as the service allows.

    Args:
        options: Options of ``VisualReward`` but for the encoder's.
        encoder: Where tiles are embedded.
    """

    def __init__(self, options: Mapping[str, Any], encoder: RemoteEncoder) -> None:
        self._encoder = encoder
        self._options = options
        self._built: VisualReward | None = None
        self._lock = threading.Lock()
        self._under_way = 0
        self._metrics = NodeMetrics()
        self._seen = (0, 0)
        count_start("scorer")

    def score(self, request: RewardRequest, target: TargetLike) -> RewardResult:
        """Score one request.

        Args:
            request: The request, without its target.
            target: The target; comes apart since Ray then sends it to this node once for all that share it.
        """
        with self._lock:
            self._under_way += 1
            self._metrics.under_way(self._under_way)
        try:
            [result] = self._reward().score([dataclasses.replace(request, target=target)])
        finally:
            with self._lock:
                self._under_way -= 1
                self._metrics.under_way(self._under_way)
        self._measure(result)
        return result

    def stats(self) -> dict[str, Any]:
        """Return counts since this actor started: targets embedded and reused, results by status; and its process."""
        reward = self._reward()
        similarity = reward.similarity
        statuses = {status.value: count for status, count in reward.counts.items()}
        return {"embedded": similarity.misses, "reused": similarity.hits, "statuses": statuses, "pid": os.getpid()}

    def _reward(self) -> VisualReward:
        # Built at the first call, as an actor that fails while it starts cannot say why.
        with self._lock:
            if self._built is None:
                self._built = VisualReward(self._encoder, **self._options)
            return self._built

    def _measure(self, result: RewardResult) -> None:
        self._metrics.scored(result)
        similarity = self._reward().similarity
        with self._lock:
            seen, self._seen = self._seen, (similarity.misses, similarity.hits)
            self._metrics.targets(embedded=self._seen[0] - seen[0], reused=self._seen[1] - seen[1])
