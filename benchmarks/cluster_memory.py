"""Memory of the Ray service over a long job: steps of responses in groups of 8, every step with targets of its own.

Two raylets on this machine with real SVG rendering; one response in four has no code. After each step: responses per
second, what the object stores of the nodes hold as Ray tells Prometheus (every few seconds), and the memory of caller,
service, scorers and encoder together. Both must be flat from the second step on. Run:
``python benchmarks/cluster_memory.py [--plot FILE]``.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import ray
from PIL import Image, ImageDraw
from ray.cluster_utils import Cluster

from vincicoder import RewardRequest
from vincicoder.cluster import ClusterReward

GROUP = 8
SIDE = 224
OPTIONS = {"encoder": "embedded"}


def responses(step: int, count: int) -> list[RewardRequest]:
    """Return the requests of a step; no two steps share a target."""
    made = []
    for number in range(count // GROUP):
        target = target_png(step * count + number)
        for n in range(GROUP):
            shape = f'<circle cx="112" cy="112" r="{9 + 10 * n}" fill="#{step % 4096:03x}"/>'
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">{shape}</svg>'
            text = f"```svg\n{svg}\n```" if n % 4 else "I cannot draw this."
            made.append(RewardRequest(text, target, language="svg"))
    return made


def target_png(number: int) -> bytes:
    """Return a PNG file; every number has another one."""
    image = Image.new("RGB", (SIDE, SIDE), (number % 256, number // 256 % 256, number // 65536))
    ImageDraw.Draw(image).ellipse((40, 40, 180, 180), "white")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def stored() -> float:
    """Return what the object stores hold, in MiB."""
    total = 0.0
    for node in ray.nodes():
        url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        total += sum(float(value) for value in re.findall(r"^ray_object_store_used_memory\{.*\} (\S+)$", text, re.M))
    return total / 2**20


def resident(pids: list[int]) -> float:
    """Return the memory of processes that is their own, in MiB."""
    page = os.sysconf("SC_PAGE_SIZE")
    own = 0
    for pid in pids:
        _, rss, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
        own += (rss - shared) * page
    return own / 2**20


def run(steps: int, count: int) -> list[dict[str, float]]:
    """Play the steps; return what each took and left."""
    reward = ClusterReward(OPTIONS)
    rows = []
    for step in range(steps):
        requests = responses(step, count)
        started = time.perf_counter()
        for _ in reward.stream(requests):
            pass
        rate = count / (time.perf_counter() - started)
        stats = reward.stats()
        pids = [os.getpid(), stats["pid"], *(each["pid"] for each in [*stats["nodes"].values(), *stats["encoders"]])]
        rows.append({"step": step + 1, "rate": rate, "stored": stored(), "resident": resident(pids)})
        print("step {step:>3}: {rate:6.1f}/s, object stores {stored:7.1f} MiB, processes {resident:7.0f} MiB".format(
            **rows[-1]), flush=True)  # fmt: skip
    return rows


def plot(rows: list[dict[str, float]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4))
    for name, label in (("stored", "object stores"), ("resident", "processes")):
        axes.plot([row["step"] for row in rows], [row[name] for row in rows], label=label)
    axes.set(xlabel="step", ylabel="MiB", ylim=(0, None))
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50, help="(default: 50)")
    parser.add_argument("--responses", type=int, default=2048, help="of each step (default: 2048)")
    parser.add_argument("--plot", type=Path, help="where the chart goes")
    options = parser.parse_args()
    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        rows = run(options.steps, options.responses)
    finally:
        ray.shutdown()
        cluster.shutdown()
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
