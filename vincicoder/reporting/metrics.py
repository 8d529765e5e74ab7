"""What Prometheus sees of a running reward: the one place that names its metrics.

A cluster exposes them through Ray, which puts ``ray_`` before each name; ``vincicoder serve`` under ``/metrics``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: Without the ``_total`` that Prometheus puts behind the name of a counter.
        help: What is measured.
        labels: Names of its labels.
        buckets: Upper bounds of a histogram.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUESTS = Metric("vincicoder_requests", "Requests scored.", ("status",))
SECONDS = Metric(
    "vincicoder_seconds", "Wall time by stage.", ("stage",), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
)
TARGETS = Metric("vincicoder_targets", "Target embeddings used.", ("cache",))
TARGETS_EMBEDDED = Metric("vincicoder_targets_embedded", "Targets embedded.")
TARGETS_REUSED = Metric("vincicoder_targets_reused", "Comparisons whose target was embedded before.")
TILES = Metric("vincicoder_tiles_encoded", "Tiles embedded.")
BATCH_TILES = Metric("vincicoder_encoder_batch_tiles", "Tiles per batch.", buckets=(1, 4, 16, 64, 256, 1024))
ENCODER_QUEUE = Metric("vincicoder_encoder_queue", "Images that wait for the encoder.")
NODES = Metric("vincicoder_nodes", "Machines that can score.")
NODE_REQUESTS = Metric("vincicoder_node_requests", "Requests under way on this node.")
WAITING = Metric("vincicoder_waiting", "Requests of this process that no node has taken yet.")
REPEATED = Metric("vincicoder_repeated", "Requests asked of another node, as one was lost or slow.", ("reason",))
STARTS = Metric("vincicoder_starts", "Starts of actors.", ("actor",))
