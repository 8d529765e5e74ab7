"""What Prometheus reads of the service: the real endpoint of a real Ray node."""

from __future__ import annotations

import os
import re
import signal
import urllib.request
from collections import Counter
from typing import Any

import pytest
from scored_groups import OPTIONS, groups, wait_until

from vincicoder.cluster import ClusterReward


def exposed(node: dict[str, Any]) -> Counter[tuple[str, ...]]:
    """Return the sums over processes of what a node exposes, by name and the values of our labels."""
    url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found: Counter[tuple[str, ...]] = Counter()
    for name, labels, value in re.findall(r"^ray_(vincicoder_\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        tags = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        ours = [tags[key] for key in ("status", "stage", "cache", "actor", "reason", "le") if tags.get(key)]
        found[(name, *ours)] += float(value)
    return found


@pytest.fixture
def node():
    import ray
    from started_ray import one_node

    with one_node(num_cpus=2):
        yield ray.nodes()[0]


def test_prometheus_sees_requests_times_tiles_cache_and_restarts(node):
    reward = ClusterReward(OPTIONS)
    work = [each for group in groups(3) for each in group]
    tiles = sum(len(result.tiles) for _, result in reward.stream(work))
    assert wait_until(lambda: exposed(node)["vincicoder_requests_total", "ok"] == 18, 60)
    # Processes report one after the other.
    assert wait_until(
        lambda: exposed(node)["vincicoder_node_requests",] == exposed(node)["vincicoder_waiting",] == 0, 60
    )
    assert wait_until(lambda: exposed(node)["vincicoder_tiles_encoded_total",] >= tiles > 0, 60)
    found = exposed(node)
    assert found["vincicoder_requests_total", "no_code"] == 3
    assert found["vincicoder_requests_total", "runtime_error"] + found["vincicoder_requests_total", "syntax_error"] == 3
    for stage in ("align", "render", "prepare", "embed", "total"):
        assert found["vincicoder_seconds_count", stage] == 24
        assert found["vincicoder_seconds_bucket", stage, "+Inf"] == 24
    # Percentiles are made of these; the three without code took no time to draw.
    assert 3 <= found["vincicoder_seconds_bucket", "render", "0.001"] < 24
    assert found["vincicoder_seconds_bucket", "total", "100.0"] == 24
    assert found["vincicoder_targets_total", "miss"] == 3
    assert found["vincicoder_targets_total", "hit"] == 15
    assert 1 <= found["vincicoder_encoder_batch_tiles_count",] <= 21
    assert {("vincicoder_node_requests",), ("vincicoder_waiting",)} <= found.keys()
    assert [found["vincicoder_starts_total", each] for each in ("service", "scorer", "encoder")] == [1, 1, 1]

    stream = reward.stream(work)
    next(stream)
    [scorer] = reward.stats()["nodes"].values()
    os.kill(scorer["pid"], signal.SIGKILL)
    assert len(list(stream)) == 23
    assert wait_until(lambda: exposed(node)["vincicoder_starts_total", "scorer"] == 2, 60)
    assert exposed(node)["vincicoder_repeated_total", "lost"] > 0
