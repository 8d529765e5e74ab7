"""Where the Ray service would break: a discrete-event simulation of one RL step, from 16 to 512 GPUs.

A step has 128 responses per GPU (256 prompts, 8 responses, 16 GPUs). They come from the rollouts over a window of
time, wait for a render worker of a node (80 of them per 8 GPUs), then for an encoder. The numbers at the top are
measured or assumed as their comments say. Run: ``python benchmarks/cluster_simulation.py``.
"""

from __future__ import annotations

import argparse
import heapq
import random
from dataclasses import dataclass
from pathlib import Path

GPUS = (16, 32, 64, 128, 256, 512)
PER_GPU = 128
WORKERS_PER_NODE = 80  # the paper's jobs have 80 CPUs for the reward
WINDOW = 100.0  # seconds over which responses arrive; long ones come last
RENDER = ((0.35, 0.25), (0.25, 0.20), (0.15, 0.05), (0.15, 0.60), (0.10, 0.20))  # share, median CPU seconds
HANGS = 0.02  # share of responses that run into the CPU limit of 10 s
TILES = 9  # per render, the thumbnail included
TILES_PER_SECOND = 1500.0  # assumed: DINOv2-L in float16 on one GPU that the trainer shares
OVERHEAD = 0.003  # seconds of a caller's process per request
CALLERS_PER_NODE = 4  # verl's reward workers


@dataclass(frozen=True)
class Outcome:
    """What came of a step.

    Attributes:
        late: Seconds between the last response and the last reward.
        render_busy: Share of the render workers' time that was used.
        encoder_busy: Share of the encoders' time.
        caller_busy: Share of the callers' time.
    """

    late: float
    render_busy: float
    encoder_busy: float
    caller_busy: float


def render_seconds(rng: random.Random) -> float:
    if rng.random() < HANGS:
        return 10.0
    pick = rng.random()
    for share, median in RENDER:
        pick -= share
        if pick <= 0:
            return min(10.0, median * rng.lognormvariate(0, 0.6))
    return RENDER[-1][1]


def served(arrivals: list[float], servers: int, work: list[float]) -> list[float]:
    """Return when jobs end that wait in one line for the next free of several servers."""
    free = [0.0] * servers
    ends = []
    for arrival, seconds in zip(arrivals, work, strict=True):
        start = max(arrival, heapq.heappop(free))
        ends.append(start + seconds)
        heapq.heappush(free, start + seconds)
    return ends


def step(gpus: int, encoders: int, seed: int = 0) -> Outcome:
    rng = random.Random(seed)
    nodes = gpus // 8
    count = gpus * PER_GPU
    arrivals = sorted(WINDOW * rng.betavariate(2, 1.5) for _ in range(count))
    asked = sorted(served(arrivals, nodes * CALLERS_PER_NODE, [OVERHEAD] * count))
    rendering = [render_seconds(rng) for _ in range(count)]
    homes = [rng.randrange(nodes) for _ in range(count // 8)]  # a group's responses share a node
    rendered: list[float] = []
    for node in range(nodes):
        mine = [index for index in range(count) if homes[(index * 7919) % (count // 8)] == node]
        rendered += served([asked[i] for i in mine], WORKERS_PER_NODE, [rendering[i] for i in mine])
    rendered.sort()
    embedding = TILES * (1 + 1 / 8) / TILES_PER_SECOND
    ends = served(rendered, encoders, [embedding] * count)
    total = max(ends)
    return Outcome(
        late=total - arrivals[-1],
        render_busy=sum(rendering) / (nodes * WORKERS_PER_NODE * total),
        encoder_busy=count * embedding / (encoders * total),
        caller_busy=count * OVERHEAD / (nodes * CALLERS_PER_NODE * total),
    )


def plot(path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.6))
    for encoders in (1, 2, 4, 8):
        axes.plot(GPUS, [step(gpus, encoders).late for gpus in GPUS], "o-", label=f"{encoders} encoder(s)")
    axes.set(xscale="log", yscale="log", xlabel="GPUs of the job", ylabel="seconds from last response to last reward")
    axes.set_xticks(GPUS, [str(gpus) for gpus in GPUS])
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path, help="where the chart goes")
    options = parser.parse_args()
    print("GPUs  encoders  late s  render busy  encoder busy  caller busy")
    for gpus in GPUS:
        for encoders in (1, 2, 4, 8):
            found = step(gpus, encoders)
            print(
                f"{gpus:4}  {encoders:8}  {found.late:6.1f}  {found.render_busy:11.0%}  {found.encoder_busy:12.0%}  "
                f"{found.caller_busy:11.0%}"
            )
    if options.plot:
        plot(options.plot)


if __name__ == "__main__":
    main()
