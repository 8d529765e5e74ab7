"""CPU time that a fork server itself spends a job, with few processes on the machine and with many.

A server watches what its children use. What that costs must not depend on what else runs here, so each language is
measured beside no more than what runs anyway, then beside ``--processes`` sleeping ones. Children's time is not
counted. Run: ``python benchmarks/server_cpu.py [--processes 2000] [--jobs 40]``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from rendering import CODE

from vincicoder import RenderPool
from vincicoder.rendering.sandbox.processes import descendants


def cpu_ms(pid: int) -> float:
    """Return the CPU time of a process of one thread, in ms; that of its children is not in it."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def servers_of(pid: int) -> list[int]:
    """Return a fork server and those that it has forked, which stay in its session, as no render does."""
    return [pid, *(each for each in descendants(pid) if os.getsid(each) == pid)]


def processes() -> int:
    """Return how many processes there are on the machine."""
    return sum(entry.name.isdigit() for entry in Path("/proc").iterdir())


@contextlib.contextmanager
def sleeping(count: int) -> Iterator[None]:
    """Have this many more processes on the machine."""
    # At the end of its input, also when we are killed, it takes them all along.
    script = f"i=0; while [ $i -lt {count} ]; do sleep 99999 & i=$((i+1)); done; read end; kill -9 0"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True) as shell:
        try:
            while len(descendants(shell.pid)) < count:  # all others come and go
                time.sleep(0.1)
            yield
        finally:
            shell.communicate()


def measure(pool: RenderPool, language: str, jobs: range) -> tuple[float, float, float]:
    """Return the servers' own CPU ms a job, the wall ms a job and the CPU ms of the renders themselves."""
    pool.start(language)
    pool.render(CODE[language].format(n=1), language)
    servers = servers_of(pool._servers[language].pid)
    before, started = sum(map(cpu_ms, servers)), time.perf_counter()
    renders = [future.result() for future in [pool.submit(CODE[language].format(n=n), language) for n in jobs]]
    seconds, used = time.perf_counter() - started, sum(map(cpu_ms, servers)) - before
    if bad := [render for render in renders if not render.ok]:
        raise SystemExit(f"{language}: {bad[0].status}: {bad[0].message}")
    return used / len(jobs), seconds * 1000 / len(jobs), sum(r.cpu_seconds for r in renders) * 1000 / len(jobs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2000, help="sleeping processes beside (default 2000)")
    parser.add_argument("--jobs", type=int, default=40, help="renders of each language and size (default 40)")
    parser.add_argument("--workers", type=int, default=None, help="renders at a time (default: one per CPU)")
    parser.add_argument("--languages", nargs="+", choices=sorted(CODE), default=sorted(CODE))
    args = parser.parse_args()
    print(f"{'language':10}{'processes':>10}{'server CPU ms/job':>19}{'wall ms/job':>13}{'render CPU ms':>15}")
    with RenderPool(workers=args.workers) as pool:
        for turn, count in enumerate((0, args.processes)):
            with sleeping(count):
                for language in args.languages:
                    jobs = range(2 + turn * args.jobs, 2 + (turn + 1) * args.jobs)
                    own, wall, cpu = measure(pool, language, jobs)
                    print(f"{language:10}{processes():10}{own:19.1f}{wall:13.0f}{cpu:15.0f}", flush=True)


if __name__ == "__main__":
    main()
