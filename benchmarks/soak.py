"""A long run of mixed requests under fire: everything is answered, gold rewards never change, and nothing is left.

Batches over all languages, a tenth of them hostile, with limits lowered so that hostile code costs little. Meanwhile
workers are killed every few seconds, and with ``--kill-servers`` fork servers too. The run fails, and says why, where

- a request is not answered, or in another order than asked, or blamed on the wrong side;
- the same good code earns another reward than before;
- this process's memory has grown by over 5 % since it warmed up, in a run of 4,000 requests or more;
- a process, a file, a socket, shared memory, a descriptor or a thread is left when the reward is closed.

A fork server takes seconds to start, so that a run in which servers are killed all the time does little else: with
``--every 20`` that happens in one batch of twenty. Run::

    python benchmarks/soak.py --requests 50000 --kill-servers 0.5 2.5 --every 20 --json soak.json --plot soak.png
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import json
import os
import random
import statistics
import tempfile
import time
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soak_parts import GOLD, HOSTILE, Killer, belongings, target

from vincicoder.reward import RewardRequest, RewardResult, VisualReward
from vincicoder.status import Status

BATCH = 256
PATIENCE = 900.0  # seconds that one batch may take
GROWTH = 1.05
WARM_UP = 0.2  # share of the batches
FEW = 4000  # requests, after which this process is not warm yet
WEIGHTS = {"svg": 90, "python": 6, "html": 2.5, "latex": 1.5}


@dataclass
class Record:
    """What is seen on the way, in as little memory as possible: it is our own process that must not grow."""

    gold: dict[tuple[str, int], float] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    latency: defaultdict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("f")))
    batches: list[dict[str, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def request(number: int, seed: int, languages: list[str], hostile_share: float) -> tuple[RewardRequest, Any]:
    """Return a request and what it is: a gold answer's language and variant, or the name of an attack."""
    chance = random.Random(f"{seed}/{number}")
    weights = [WEIGHTS[language] for language in languages]
    language = chance.choices(languages, weights)[0]
    what: Any
    if chance.random() < hostile_share:
        what = chance.choice(sorted(HOSTILE[language]))
        code = HOSTILE[language][what]
    else:
        variant = chance.randrange(len(GOLD[language]))
        what, code = (language, variant), GOLD[language][variant]
    comment = {"svg": "<!-- {} -->", "python": "# {}", "html": "<!-- {} -->", "latex": "% {}"}[language]
    text = f"```{language}\n{code}\n{comment.format(number)}\n```"
    return RewardRequest(text, target(), language=language, id=str(number)), what


def note(record: Record, result: RewardResult, what: Any, undisturbed: bool) -> None:
    """Count a result, and say what is wrong with it."""
    record.statuses[result.status.value] += 1
    record.latency[result.language].append(result.seconds["total"])
    if result.status is Status.INFRASTRUCTURE:
        record.reasons[f"{result.language}: {result.message[:80]}"] += 1
        if undisturbed:
            record.wrong.append(f"request {result.id} ({what}) failed by the machine: {result.message[:300]}")
    elif isinstance(what, tuple):
        first = record.gold.setdefault(what, result.overall)
        if result.status is not Status.OK:
            record.wrong.append(f"gold {what} is {result.status.value}: {result.message[:300]}")
        elif result.overall != first:
            record.wrong.append(f"gold {what} earned {result.overall} after {first}")


def resident() -> float:
    """Return this process's memory in MB, without what the allocator keeps for later, up to 150 MB by chance."""
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(args: argparse.Namespace, reward: VisualReward, record: Record, killer: Killer) -> None:
    """Score batch after batch until there are enough requests or no more time."""
    undisturbed = not (args.kill_workers or args.kill_servers)
    began = time.monotonic()
    number = 0
    while number < args.requests and time.monotonic() - began < 60 * args.minutes:
        count = min(args.batch, args.requests - number)
        asked = [request(n, args.seed, args.languages, args.hostile) for n in range(number, number + count)]
        killer.resting = bool(len(record.batches) % args.every)
        started = time.monotonic()
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        results = reward.score([each for each, _ in asked])
        faulthandler.cancel_dump_traceback_later()
        if [result.id for result in results] != [each.id for each, _ in asked]:
            record.wrong.append(f"the answers to requests {number} to {number + count} are in another order")
        for result, (_, what) in zip(results, asked, strict=True):
            note(record, result, what, undisturbed)
        number += count
        waits = sorted(result.seconds["total"] for result in results)
        record.batches.append(
            {
                "minute": (time.monotonic() - began) / 60,
                "per_second": count / (time.monotonic() - started),
                "p50": waits[len(waits) // 2],
                "p99": waits[int(0.99 * (len(waits) - 1))],
                "resident_mb": resident(),
                "infrastructure": sum(result.status is Status.INFRASTRUCTURE for result in results),
            }
        )
        if args.verbose:
            print(json.dumps({key: round(value, 2) for key, value in record.batches[-1].items()}), flush=True)


def growth(batches: list[dict[str, float]]) -> float:
    """Return the memory of the last batches as a multiple of that of the first after the warm-up."""
    memory = [batch["resident_mb"] for batch in batches]
    warm = memory[max(1, int(WARM_UP * len(memory))) :]
    few = max(1, len(warm) // 5)
    return statistics.median(warm[-few:]) / statistics.median(warm[:few]) if len(warm) > 1 else 1.0


def percentiles(values: array[float]) -> dict[str, float]:
    """Return latencies in seconds."""
    ordered = sorted(values)
    return {f"p{p:g}": round(ordered[int(p / 100 * (len(ordered) - 1))], 3) for p in (50, 90, 99, 99.9, 100)}


def plot(batches: list[dict[str, float]], file: str) -> None:
    """Draw rate, latency and memory over time."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    minutes = [batch["minute"] for batch in batches]
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(8, 7), constrained_layout=True)
    axes[0].plot(minutes, [batch["per_second"] for batch in batches])
    axes[0].set_ylabel("requests a second")
    for name in ("p50", "p99"):
        axes[1].plot(minutes, [batch[name] for batch in batches], label=name)
    axes[1].set_ylabel("latency in a batch, s")
    axes[1].legend()
    axes[2].plot(minutes, [batch["resident_mb"] for batch in batches])
    axes[2].set_ylabel("memory of the trainer's\nprocess, MB")
    axes[2].set_xlabel("minutes")
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    figure.savefig(file)


def soak(args: argparse.Namespace) -> dict[str, Any]:
    """Run it all; return what was found, with ``wrong`` empty if all is well."""
    record = Record()
    directory = tempfile.mkdtemp(prefix="soak-")
    tempfile.tempdir = directory
    before = belongings(directory)
    began = time.monotonic()
    killer = Killer(args.seed, args.kill_workers, args.kill_servers, args.spare)
    limits = {"cpu_seconds": 2, "wall_seconds": 20}  # hostile code shall cost little
    with VisualReward("embedded", workers=args.workers, keep_renders=False, **limits) as reward, killer:
        run(args, reward, record, killer)
    seconds = time.monotonic() - began
    deadline = time.monotonic() + 20
    while any((left := belongings(directory, before)).values()) and time.monotonic() < deadline:
        time.sleep(0.2)
    if any(left.values()):
        record.wrong.append(f"left behind: { {kind: found for kind, found in left.items() if found} }")
    else:
        Path(directory).rmdir()
    grown = growth(record.batches)
    if grown > GROWTH and sum(record.statuses.values()) >= FEW:
        record.wrong.append(f"this process's memory grew to {grown:.3f} times what it was")
    answered = sum(record.statuses.values())
    return {
        "answered": answered,
        "minutes": round(seconds / 60, 2),
        "per_second": round(answered / seconds, 2),
        "minutes_for_50000": round(50_000 * seconds / answered / 60, 1),
        "statuses": dict(record.statuses.most_common()),
        "infrastructure": dict(record.reasons.most_common(9)),
        "latency_seconds": {language: percentiles(values) for language, values in sorted(record.latency.items())},
        "gold_rewards": {f"{language} {variant}": score for (language, variant), score in sorted(record.gold.items())},
        "memory_mb": [round(record.batches[0]["resident_mb"]), round(record.batches[-1]["resident_mb"])],
        "memory_growth_since_warm_up": round(grown, 4),
        "killed": dict(killer.killed),
        "wrong": record.wrong,
        "batches": record.batches,
    }


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--requests", type=int, default=50_000, help="requests at most (default 50000)")
    made.add_argument("--minutes", type=float, default=1e6, help="start no batch after this time")
    made.add_argument("--batch", type=int, default=BATCH, help=f"requests a batch (default {BATCH})")
    made.add_argument("--workers", type=int, default=None, help="renders at a time (default: one per CPU)")
    made.add_argument("--hostile", type=float, default=0.1, help="share of hostile requests (default 0.1)")
    made.add_argument("--languages", nargs="+", choices=sorted(WEIGHTS), default=sorted(WEIGHTS))
    made.add_argument("--kill-workers", type=float, nargs=2, default=(2.0, 5.0), metavar=("LOW", "HIGH"))
    made.add_argument("--kill-servers", type=float, nargs=2, default=None, metavar=("LOW", "HIGH"))
    made.add_argument("--every", type=int, default=1, metavar="N", help="kill servers in every Nth batch (default 1)")
    made.add_argument("--spare", type=float, default=5.0, help="seconds for which nine servers of ten are spared")
    made.add_argument("--no-kills", dest="kill_workers", action="store_const", const=None, help="kill no workers")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--json", metavar="FILE")
    made.add_argument("--plot", metavar="FILE", help="PNG or SVG")
    made.add_argument("--verbose", action="store_true", help="a line a batch")
    return made


def main() -> None:
    args = parser().parse_args()
    report = soak(args)
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")
    if args.plot:
        plot(report["batches"], args.plot)
    print(json.dumps({key: value for key, value in report.items() if key != "batches"}, indent=1))
    if report["wrong"]:
        raise SystemExit(f"{len(report['wrong'])} things are wrong, such as: {report['wrong'][0]}")


if __name__ == "__main__":
    main()
