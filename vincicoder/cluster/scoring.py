"""One node's part of the service: a ``VisualReward`` with the node's render workers."""

from __future__ import annotations

import dataclasses
import gc
import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError

from vincicoder.cluster.encoding import RemoteEncoder
from vincicoder.cluster.metrics import NodeMetrics, count_start
from vincicoder.reward import RewardRequest, RewardResult, VisualReward
from vincicoder.reward.config import RewardConfig

if TYPE_CHECKING:
    from vincicoder.rendering import Render

_TARGETS = 256  # of the latest, kept on the node


class NodeScorer:
    """A Ray actor, pinned to a node. Its calls run in threads, as many as the service allows.

    Args:
        config: What scores here; its encoder is the remote one.
        encoder: Where tiles are embedded.
    """

    def __init__(self, config: RewardConfig, encoder: RemoteEncoder) -> None:
        self._encoder = encoder
        self._config = config
        self._built: VisualReward | None = None
        self._lock = threading.Lock()
        self._targets: OrderedDict[str, Any] = OrderedDict()
        self._fetched = 0
        self._under_way = 0
        self._metrics = NodeMetrics()
        self._seen = (0, 0)
        count_start("scorer")

    def score(self, request: RewardRequest, target: str, reference: list[Any]) -> RewardResult:
        """Score one request.

        Args:
            request: The request; without its target if there is a reference.
            target: The target's digest, equal for all that share it, or empty.
            reference: The object-store reference of the target's content, of the process that asks. In a list, so that
                Ray does not send the content along: every process has a reference of its own, one fetch serves all.
        """
        if target:
            request = dataclasses.replace(request, target=self._content(target, reference[0]))
        with self._lock:
            self._under_way += 1
            self._metrics.under_way(self._under_way)
        try:
            [result] = self._reward().score([request])
        finally:
            with self._lock:
                self._under_way -= 1
                self._metrics.under_way(self._under_way)
        self._measure(result)
        return result.packed()

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does."""
        return self._reward().render(code, language)

    def stats(self) -> dict[str, Any]:
        """Return counts since this actor started, of targets and of results by status, and its pid."""
        totals = self._reward().totals()
        targets = {"fetched": self._fetched, "embedded": totals.embedded, "reused": totals.reused}
        return targets | {"statuses": totals.statuses, "pid": os.getpid()}

    def _content(self, target: str, reference: Any) -> Any:
        with self._lock:
            self._fetched += target not in self._targets
            first = self._targets.setdefault(target, reference)
            self._targets.move_to_end(target)
            while len(self._targets) > _TARGETS:
                self._targets.popitem(last=False)
        try:
            return ray.get(first)
        except RayError:  # the process that the first one came from is gone
            with self._lock:
                self._targets[target] = reference
            return ray.get(reference)

    def _reward(self) -> VisualReward:
        # Built at the first call, as an actor that fails while it starts cannot say why.
        with self._lock:
            if self._built is None:
                config = self._config
                self._built = VisualReward(
                    self._encoder,
                    batch_tiles=config.encoder.batch_tiles,
                    cache_targets=config.encoder.cache_targets,
                    rendering=config.rendering,
                    scoring=config.scoring,
                    keep_renders=config.keep_renders,
                )
                gc.freeze()  # what was loaded stays, so that looking through it for garbage is in vain
            return self._built

    def _measure(self, result: RewardResult) -> None:
        self._metrics.scored(result)
        totals = self._reward().totals()
        with self._lock:
            seen, self._seen = self._seen, (totals.embedded, totals.reused)
            self._metrics.targets(embedded=self._seen[0] - seen[0], reused=self._seen[1] - seen[1])
