"""One node's part of the service: a ``VisualReward`` with the node's render workers."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Mapping
from typing import Any

from ray.util import metrics

from vincicoder.cluster.encoding import RemoteEncoder
from vincicoder.images import TargetLike
from vincicoder.reward import STAGES, RewardRequest, RewardResult, VisualReward

_SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]


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
        self._count = metrics.Counter("vincicoder_requests", "Requests scored.", tag_keys=("status",))
        self._cache = metrics.Counter("vincicoder_targets", "Target embeddings used.", tag_keys=("cache",))
        self._active = metrics.Gauge("vincicoder_node_requests", "Requests under way on this node.")
        self._seconds = metrics.Histogram(
            "vincicoder_seconds", "Wall time by stage.", boundaries=_SECONDS, tag_keys=("stage",)
        )
        self._seen = (0, 0)

    def score(self, request: RewardRequest, target: TargetLike) -> RewardResult:
        """Score one request.

        Args:
            request: The request, without its target.
            target: The target; comes apart since Ray then sends it to this node once for all that share it.
        """
        with self._lock:
            self._under_way += 1
            self._active.set(self._under_way)
        try:
            [result] = self._reward().score([dataclasses.replace(request, target=target)])
        finally:
            with self._lock:
                self._under_way -= 1
                self._active.set(self._under_way)
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
        self._count.inc(tags={"status": result.status.value})
        for stage in STAGES:
            self._seconds.observe(result.seconds[stage], tags={"stage": stage})
        similarity = self._reward().similarity
        with self._lock:
            now = (similarity.misses, similarity.hits)
            change = [after - before for after, before in zip(now, self._seen, strict=True)]
            self._seen = now
        for cache, count in zip(("miss", "hit"), change, strict=True):
            if count > 0:
                self._cache.inc(count, tags={"cache": cache})
