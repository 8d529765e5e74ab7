"""How long the GPUs of a step wait for the reward: a queue model of one node, from measured service times.

A step has 256 prompts with 8 responses each on the 8 GPUs of a node. Each response passes the process that scores, a
fork server of its language, a core that renders it (and under ``robust`` measures its pixels), and a GPU that embeds
its tiles. Nodes have all of these to themselves, so that a job of many nodes waits as long as one. The phases of the
step come from ``vincicoder.planning``; no GPU has been timed. Run: ``python benchmarks/cluster_simulation.py``.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vincicoder.planning.measured import (
    CUTTING_SECONDS,
    RENDER_SECONDS,
    SCORER_ON_RAY_SECONDS,
    SCORER_ROBUST_SECONDS,
    SCORER_SECONDS,
    SERVER_SECONDS,
)
from vincicoder.planning.plan import make_plan
from vincicoder.planning.settings import EASYR1, GPUS, SWIFT, VERL, Rates, Run
from vincicoder.planning.timing import TILE_FLOPS

CORES = (32, 64, 128)
GROUPS, RESPONSES = 256, 8
GPUS_PER_NODE = 8
TILES = Rates().tiles
LANGUAGES = tuple(RENDER_SECONDS)  # an equal share of the responses each
SPREAD = 0.6  # of the logarithm of a render's CPU time; assumed
ENDLESS = 0.05  # share of responses that never end
TRAINERS = {"verl": VERL, "EasyR1": EASYR1, "ms-swift, TRL": SWIFT}
ENCODING = GPUS["h100"].tflops * 1e12 * Rates().encoder_utilisation / TILE_FLOPS
"""Tiles that a GPU embeds a second."""


@dataclass(frozen=True)
class Costs:
    """What a response costs, in seconds.

    Attributes:
        render: CPU time of a render by language.
        server: What a fork server does for a render, one after the other, by language.
        workers_per_server: Workers for each fork server of a language; None for one server in all.
        scorer: What the process that scores does for a response, one after the other, under the interpreter's lock.
        beside: CPU time that it takes for a response without that lock, to resize and cut images.
        pixels: CPU time of the pixel workers.
        encoders: GPUs that embed.
        limit: CPU time after which code is ended.
    """

    render: Mapping[str, float]
    server: Mapping[str, float]
    scorer: float
    beside: float = CUTTING_SECONDS
    workers_per_server: int | None = 4
    pixels: float = 0.0
    encoders: int = GPUS_PER_NODE
    limit: float = 10.0


NOW = Costs(RENDER_SECONDS, SERVER_SECONDS, SCORER_SECONDS)
ON_RAY = replace(NOW, scorer=SCORER_ON_RAY_SECONDS)  # where the encoder's own process cuts images
# The same of commit dfdb505; its pages with a whole Chromium.
BEFORE = Costs(
    render={"python": 0.169, "html": 0.310, "svg": 0.030, "latex": 0.330},
    server={"python": 0.012, "html": 0.155, "svg": 0.003, "latex": 0.127},
    scorer=0.006,
    workers_per_server=None,
    encoders=1,
)
# CPU seconds of the components of robust a sample (docs/reward.md), and what they add to the process that scores.
ROBUST = replace(NOW, pixels=0.028, scorer=SCORER_SECONDS + SCORER_ROBUST_SECONDS)


@dataclass
class Line:
    """Servers with one queue.

    Args:
        count: How many there are.
    """

    count: int
    busy: float = 0.0
    _free: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._free = [0.0] * self.count

    def serve(self, arrival: float, seconds: float) -> float:
        """Return when a job ends that arrives now; jobs must come in the order of their arrival."""
        end = max(arrival, heapq.heappop(self._free)) + seconds
        heapq.heappush(self._free, end)
        self.busy += seconds
        return end


@dataclass(frozen=True)
class Outcome:
    """What came of a step's reward.

    Attributes:
        ends: When each reward was there, in order.
        busy: Share of the time until the last one that each stage was busy, by name.
    """

    ends: Sequence[float]
    busy: Mapping[str, float]


def reward_of(arrivals: Sequence[float], cores: int, costs: Costs, endless: float, seed: int = 0) -> Outcome:
    """Score responses that arrive at these times."""
    rng = random.Random(seed)
    servers = 1 if costs.workers_per_server is None else max(1, cores // costs.workers_per_server)
    scorer, workers, encoders = Line(1), Line(cores), Line(costs.encoders)
    forks = {language: Line(servers) for language in LANGUAGES}
    jobs = []
    for arrival in sorted(arrivals):
        language = rng.choice(LANGUAGES)
        seconds = costs.render[language] * rng.lognormvariate(0, SPREAD)
        if language != "svg" and rng.random() < endless * len(LANGUAGES) / (len(LANGUAGES) - 1):
            seconds = costs.limit
        begun = forks[language].serve(scorer.serve(arrival, costs.scorer), costs.server[language])
        jobs.append((begun, min(seconds, costs.limit) + costs.beside + costs.pixels))
    rendered = sorted(workers.serve(begun, seconds) for begun, seconds in sorted(jobs))
    tiles = TILES * (1 + 1 / RESPONSES)  # a target is embedded once for its group
    ends = [encoders.serve(time, tiles / ENCODING) for time in rendered]
    lines = {"scorer": [scorer], "servers": list(forks.values()), "cores": [workers], "GPUs": [encoders]}
    busy = {name: max(line.busy / line.count for line in each) / max(ends) for name, each in lines.items()}
    return Outcome(sorted(ends), busy)


def exposed(trainer: str, cores: int, costs: Costs, endless: float) -> tuple[float, float, Outcome]:
    """Return the seconds that a step waits for its reward, their share of the step, and the reward's outcome."""
    framework = TRAINERS[trainer]
    if framework != SWIFT and costs.workers_per_server is not None:  # on Ray, which dfdb505 did not use for that
        costs = replace(costs, scorer=costs.scorer - NOW.scorer + ON_RAY.scorer)
    plan = make_plan(Run(gpus=GPUS_PER_NODE, trainer=framework, batch=GROUPS, group=RESPONSES, cpus=cores))
    step = plan.step
    assert step is not None
    count = GROUPS * RESPONSES
    rng = random.Random(1)
    if framework == VERL:  # samples come while others are written
        arrivals = [step.writing * rng.betavariate(2, 1.5) for _ in range(count)]
        outcome = reward_of(arrivals, cores, costs, endless)
        late = max(0.0, outcome.ends[-1] - step.writing)
    else:
        outcome = reward_of([0.0] * count, cores, costs, endless)
        # What goes on meanwhile takes the GPUs, as the encoder does, which it therefore does not hide.
        encoding = count * TILES * (1 + 1 / RESPONSES) / ENCODING / costs.encoders
        hidden = step.old if framework == EASYR1 else 0.0
        late = max(outcome.ends[-1], hidden + encoding) - hidden
    others = step.total - step.waiting
    return late, late / (others + late), outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, help="where the chart goes")
    options = parser.parse_args()
    print(f"{ENCODING:.0f} tiles/s a GPU; all {GROUPS * RESPONSES} responses at once, 8 GPUs, no loops:")
    print(f"{'costs':>10}{'cores':>7}{'reward s':>10}  busy until then")
    for name, costs in (("dfdb505", BEFORE), ("now", NOW), ("on Ray", ON_RAY)):
        for cores in CORES:
            found = reward_of([0.0] * GROUPS * RESPONSES, cores, costs, 0.0)
            busy = ", ".join(f"{stage} {share:.0%}" for stage, share in found.busy.items())
            print(f"{name:>10}{cores:7}{found.ends[-1]:10.1f}  {busy}")
    variants = {
        "paper": (NOW, 0.0),
        "robust": (ROBUST, 0.0),
        "paper, 5 % loops": (NOW, ENDLESS),
        "robust, 5 % loops": (ROBUST, ENDLESS),
        "paper, 5 % loops, cpu_factor": (replace(NOW, limit=2.0), ENDLESS),
        "dfdb505, paper": (BEFORE, 0.0),
        "dfdb505, paper, 5 % loops": (BEFORE, ENDLESS),
    }
    print(f"\nexposed seconds, and their share of the step\n{'':30}{'cores':>6}", *(f"{name:>16}" for name in TRAINERS))
    for name, (costs, endless) in variants.items():
        for cores in CORES:
            cells = [exposed(trainer, cores, costs, endless) for trainer in TRAINERS]
            print(f"{name:30}{cores:6}", *(f"{seconds:8.1f}{share:8.1%}" for seconds, share, _ in cells))
    if options.plot:
        plot(options.plot, variants)


def plot(path: Path, variants: Mapping[str, tuple[Costs, float]]) -> None:
    """Draw the exposed seconds of each variant with 64 cores, a bar a trainer."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.2))
    names = list(variants)[::-1]
    height = 0.8 / len(TRAINERS)
    for number, trainer in enumerate(reversed(TRAINERS)):
        seconds = [exposed(trainer, 64, *variants[name])[0] for name in names]
        places = [index + (number - 1) * height for index in range(len(names))]
        axes.bar_label(axes.barh(places, seconds, height, label=trainer), fmt="%.1f", padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("seconds that the GPUs wait for 2,048 rewards, with 64 cores a node")
    axes.margins(x=0.08)
    axes.legend(*(each[::-1] for each in axes.get_legend_handles_labels()), loc="right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
