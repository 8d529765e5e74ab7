"""Measures a whole run of the data recipes over all domains: time, rows per second of one core, and memory.

Each recipe is a process of its own, as on a command line: five generated sources, ``sample``, ``refine``, ``rl``,
``export``, ``report`` and ``validate``. CPU seconds are those of the process and of all that it started, renderers and
browsers included, so that what else the machine does matters little; memory is the most that the recipe itself held,
renderers not counted. The last line is the time that 1.6 million rows take on 64 cores at this rate. Needs the extra
``data``; 20,000 rows take about an hour on two cores::

    python benchmarks/data_run.py --rows 20000 --out DIR
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from data_recipes.sources import generated_domains

WHOLE = 1_600_000
CORES = 64
REFINED = 0.5
RL_SHARE = 0.1
_INTERVAL = 0.2  # seconds between readings of a process's memory
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


@dataclass(frozen=True)
class Cost:
    """What a recipe took.

    Attributes:
        wall: Seconds.
        cpu: Seconds of one core.
        memory: MiB.
    """

    wall: float
    cpu: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="rows, an equal share of each domain")
    parser.add_argument("--out", type=Path, required=True, help="directory for the sets; must be new")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    # A browser that is killed leaves its processes to others; they come here, so that their time is counted.
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    print(f"{'recipe':<22}{'rows':>8}{'minutes':>9}{'rows/s of a core':>18}{'MiB':>7}", flush=True)
    total = sum(timed(*step) for step in steps(options.out, options.rows))
    per_row = total / options.rows
    print(f"\n{per_row * 1000:.0f} ms of a core per row; {WHOLE:,} rows on {CORES} cores: "
          f"{per_row * WHOLE / CORES / 3600:.1f} hours")  # fmt: skip


def steps(out: Path, rows: int) -> list[tuple[str, int, list[str]]]:
    """Return the name, the rows and the arguments of each recipe, in order."""
    sources = {name: out / name for name in generated_domains()}
    share = rows // len(sources)
    direct, refined, chosen, sft = (out / name for name in ("direct", "refined", "rl-records", "sft"))
    refinements, picked = round(rows * REFINED), round(rows * RL_SHARE)
    pools = list(map(str, sources.values()))
    both = [str(direct), str(refined)]
    return [
        *(
            (f"collect {name}", share, ["collect", name, "--count", str(share), "--out", str(directory)])
            for name, directory in sources.items()
        ),
        ("sample", rows, ["sample", *pools, "--out", str(direct)]),
        ("refine", refinements, ["refine", str(direct), "--share", str(REFINED), "--out", str(refined)]),
        ("export sft", rows + refinements, ["export", *both, "--layout", "sft", "--out", str(sft)]),
        ("rl", picked, ["rl", str(direct), "--total", str(picked), "--out", str(chosen)]),
        ("export rl", picked, ["export", str(chosen), "--layout", "rl", "--out", str(out / "rl")]),
        ("report", rows + refinements, ["report", *both, "--from", *pools, "--out", str(out / "report")]),
        ("validate rl", picked, ["validate", str(out / "rl")]),
    ]


def timed(name: str, rows: int, arguments: list[str]) -> float:
    """Run a recipe, print what it took, and return its CPU seconds."""
    cost = run(arguments)
    print(
        f"{name:<22}{rows:>8,}{cost.wall / 60:>9.1f}{rows / cost.cpu:>18,.1f}{cost.memory:>7.0f}",
        flush=True,
    )
    return cost.cpu


def run(arguments: list[str]) -> Cost:
    """Run a recipe to its end.

    Raises:
        SystemExit: It failed.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", f"data_recipes.{arguments[0]}", *arguments[1:]], stdout=sys.stderr
    )
    memory, cpu, code = 0.0, 0.0, None
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:  # the recipe has ended, and so has everything that it left behind
            break
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
        if pid == process.pid:
            code = os.waitstatus_to_exitcode(status)
        elif not pid:
            memory = max(memory, peak_memory(process.pid) if code is None else 0.0)
            time.sleep(_INTERVAL)
    if code:
        raise SystemExit(f"`vincicoder data {' '.join(arguments)}` ended with {code}")
    return Cost(time.monotonic() - started, cpu, memory)


def peak_memory(pid: int) -> float:
    """Return the most memory that a process has held so far, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
