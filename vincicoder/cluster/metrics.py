"""What the service counts in Ray's metrics, which Prometheus and the dashboard show as ``ray_vincicoder_...``."""

from __future__ import annotations

import threading
from typing import Any

from ray.util import metrics as ray_metrics

from vincicoder.reporting import metrics
from vincicoder.reporting.metrics import Metric
from vincicoder.reward import STAGES, RewardResult


def _counter(metric: Metric) -> Any:
    return ray_metrics.Counter(metric.name, metric.help, tag_keys=metric.labels)


def _gauge(metric: Metric) -> Any:
    return ray_metrics.Gauge(metric.name, metric.help, tag_keys=metric.labels)


def _histogram(metric: Metric) -> Any:
    return ray_metrics.Histogram(metric.name, metric.help, boundaries=list(metric.buckets), tag_keys=metric.labels)


def count_start(actor: str) -> None:
    """Count a start of an actor: ``service``, ``scorer`` or ``encoder``. What exceeds their number are restarts."""
    _counter(metrics.STARTS).inc(tags={"actor": actor})


class CallerMetrics:
    """Metrics of a process that asks, perhaps in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}
        self._waiting = _gauge(metrics.WAITING)
        self._repeated = _counter(metrics.REPEATED)

    def waiting(self, stream: object, count: int) -> None:
        """Set how many requests of a stream wait; 0 when it is done."""
        with self._lock:
            self._counts[id(stream)] = count
            self._waiting.set(sum(self._counts.values()))
            if not count:
                del self._counts[id(stream)]

    def repeated(self, reason: str) -> None:
        """Count a request that is asked again: its node was ``lost`` or ``slow``."""
        self._repeated.inc(tags={"reason": reason})


class NodeMetrics:
    """Metrics of a node that renders."""

    def __init__(self) -> None:
        self._results = _counter(metrics.REQUESTS)
        self._targets = _counter(metrics.TARGETS)
        self._under_way = _gauge(metrics.NODE_REQUESTS)
        self._seconds = _histogram(metrics.SECONDS)

    def under_way(self, count: int) -> None:
        """Set how many requests are under way."""
        self._under_way.set(count)

    def scored(self, result: RewardResult) -> None:
        """Count a result and the time that its stages took."""
        self._results.inc(tags={"status": result.status.value})
        for stage in STAGES:
            self._seconds.observe(result.seconds[stage], tags={"stage": stage})

    def targets(self, embedded: int, reused: int) -> None:
        """Count targets that were embedded, and embeddings that were in the cache."""
        for cache, count in (("miss", embedded), ("hit", reused)):
            if count > 0:
                self._targets.inc(count, tags={"cache": cache})


class EncoderMetrics:
    """Metrics of an encoder."""

    def __init__(self) -> None:
        self._tiles = _counter(metrics.TILES)
        self._sizes = _histogram(metrics.BATCH_TILES)
        self._queue = _gauge(metrics.ENCODER_QUEUE)

    def waiting(self, images: int) -> None:
        """Set how many images wait."""
        self._queue.set(images)

    def encoded(self, tiles: int) -> None:
        """Count a batch."""
        self._tiles.inc(tiles)
        self._sizes.observe(tiles)
