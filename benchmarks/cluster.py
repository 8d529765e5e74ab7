"""Throughput of the Ray service against the number of nodes, and what it costs per request.

The nodes are raylets on this machine with one render worker each, and the work sleeps, so that more nodes than cores
can be told apart: what is measured is the service, not the rendering. Every response has a target of its own. Run:
``python benchmarks/cluster.py [--plot FILE]``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import ray
from PIL import Image
from ray.cluster_utils import Cluster

from vincicoder import RewardRequest, VisualReward
from vincicoder.cluster import ClusterReward

NODES = (1, 2, 4, 8)
SLEEP = 1.0
OPTIONS = {"encoder": "embedded", "workers": 1}


def sleepers(count: int) -> list[RewardRequest]:
    # A wait that takes real time, as time.sleep in generated code does not.
    code = f"import threading\nfrom PIL import Image\nthreading.Event().wait({SLEEP})\n"
    code += "Image.new('RGB', (32, 32), 'red').save('a.png')"
    targets = [Image.new("RGB", (32, 32), (n % 256, n // 256, 90)) for n in range(count)]
    return [RewardRequest(f"```python\n{code}\n# {n}\n```", each, language="python") for n, each in enumerate(targets)]


def empty(count: int) -> list[RewardRequest]:
    """Requests that cost nothing but their way."""
    target = Image.new("RGB", (32, 32), "red")
    return [RewardRequest("no code", target, language="python") for _ in range(count)]


def seconds(reward: ClusterReward | VisualReward, requests: list[RewardRequest]) -> float:
    started = time.perf_counter()
    for _ in reward.stream(requests):
        pass
    return time.perf_counter() - started


def measure(nodes: int, per_node: int, repeats: int) -> dict[str, float]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        reward = ClusterReward(OPTIONS)
        while len(reward.nodes(fresh=True)) < nodes:
            time.sleep(0.5)
        seconds(reward, sleepers(4 * nodes))
        rates = [nodes * per_node / seconds(reward, sleepers(nodes * per_node)) for _ in range(repeats)]
        ways = [seconds(reward, empty(1000)) for _ in range(repeats)]
        return {"nodes": nodes, "per_second": statistics.median(rates), "overhead_ms": statistics.median(ways)}
    finally:
        ray.shutdown()
        cluster.shutdown()


def plot(rows: list[dict[str, float]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4))
    counts = [row["nodes"] for row in rows]
    axes.plot(counts, [row["per_second"] for row in rows], "o-", label="measured")
    axes.plot(counts, [count * rows[0]["per_second"] for count in counts], "--", color="grey", label="linear")
    axes.set(xlabel="nodes with one render worker each", ylabel=f"renders per second, {SLEEP:g} s of sleep each")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-node", type=int, default=16, help="renders per node and run (default: 16)")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the median counts (default: 3)")
    parser.add_argument("--plot", type=Path, help="where the chart goes")
    options = parser.parse_args()
    with VisualReward(**OPTIONS) as reward:
        local = statistics.median(seconds(reward, empty(1000)) for _ in range(options.repeats))
    print(f"local: {local:.3f} ms per request without code")
    rows = []
    for nodes in NODES:
        rows.append(measure(nodes, options.per_node, options.repeats))
        row = rows[-1]
        efficiency = row["per_second"] / (nodes * rows[0]["per_second"])
        print(
            f"{nodes} nodes: {row['per_second']:.2f} renders/s, {efficiency:.0%} of linear; "
            f"{row['overhead_ms']:.2f} ms per request without code",
            flush=True,
        )
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
