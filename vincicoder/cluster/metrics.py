"""What the service tells Ray's metrics, which Prometheus and the dashboard read as ``ray_vincicoder_...``."""

from __future__ import annotations

import threading

from ray.util import metrics

from vincicoder.reward import STAGES, RewardResult

_SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]
_TILES = [1, 4, 16, 64, 256, 1024]


def count_start(actor: str) -> None:
    """Count that an actor (``service``, ``scorer`` or ``encoder``) has started; more than one each are restarts."""
    metrics.Counter("vincicoder_starts", "Starts of actors.", tag_keys=("actor",)).inc(tags={"actor": actor})


class CallerMetrics:
    """Of a process that asks, perhaps in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}
        self._waiting = metrics.Gauge("vincicoder_waiting", "Requests of this process that no node has taken yet.")
        self._repeated = metrics.Counter(
            "vincicoder_repeated", "Requests asked of another node, as one was lost or slow.", tag_keys=("reason",)
        )

    def waiting(self, stream: object, count: int) -> None:
        """Tell how many requests of a stream wait; 0 when it is done."""
        with self._lock:
            self._counts[id(stream)] = count
            self._waiting.set(sum(self._counts.values()))
            if not count:
                del self._counts[id(stream)]

    def repeated(self, reason: str) -> None:
        """Count a request that is asked again: its node was ``lost`` or ``slow``."""
        self._repeated.inc(tags={"reason": reason})


class NodeMetrics:
    """Of a node that renders."""

    def __init__(self) -> None:
        self._results = metrics.Counter("vincicoder_requests", "Requests scored.", tag_keys=("status",))
        self._targets = metrics.Counter("vincicoder_targets", "Target embeddings used.", tag_keys=("cache",))
        self._under_way = metrics.Gauge("vincicoder_node_requests", "Requests under way on this node.")
        self._seconds = metrics.Histogram(
            "vincicoder_seconds", "Wall time by stage.", boundaries=_SECONDS, tag_keys=("stage",)
        )

    def under_way(self, count: int) -> None:
        """Tell how many requests are under way."""
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
    """Of an encoder."""

    def __init__(self) -> None:
        self._tiles = metrics.Counter("vincicoder_tiles_encoded", "Tiles embedded.")
        self._sizes = metrics.Histogram("vincicoder_encoder_batch_tiles", "Tiles per batch.", boundaries=_TILES)
        self._queue = metrics.Gauge("vincicoder_encoder_queue", "Pictures that wait for the encoder.")

    def waiting(self, pictures: int) -> None:
        """Tell how many pictures wait."""
        self._queue.set(pictures)

    def encoded(self, tiles: int) -> None:
        """Count a batch."""
        self._tiles.inc(tiles)
        self._sizes.observe(tiles)
