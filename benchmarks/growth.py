"""What a request costs as more of something is there: requests, workers, processes on the machine, endless code."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import server_cpu
import waiting
from PIL import Image
from render_cost import ControlGroup
from rendering import CODE

from vincicoder import RenderPool, RewardRequest, VisualReward
from vincicoder.rendering.sandbox.processes import descendants

Row = dict[str, Any]

_TARGET = Image.new("RGB", (512, 512), "white")
_ENDLESS = "while True: pass"


def mixed(count: int, endless: float = 0.0) -> list[RewardRequest]:
    """Return requests of all languages by turns; a share of them never ends."""
    requests = []
    for number in range(count):
        language = sorted(CODE)[number % len(CODE)]
        code = CODE[language].format(n=1 + number)
        if endless and number % round(1 / endless) == 0:
            language, code = "python", f"{_ENDLESS}  # {number}"
        requests.append(RewardRequest(f"```{language}\n{code}\n```", _TARGET, language=language))
    return requests


def first_result() -> Iterator[Row]:
    """Yield the seconds from nothing to the first result of each language."""
    for language in sorted(CODE):
        started = time.perf_counter()
        with VisualReward("embedded", workers=1) as reward:
            text = f"```{language}\n{CODE[language].format(n=1)}\n```"
            reward.score([RewardRequest(text, _TARGET, language=language)])
            yield {"language": language, "first result s": time.perf_counter() - started}


def batches(sizes: Sequence[int]) -> Iterator[Row]:
    """Yield wall and CPU milliseconds a request by the size of the batch; all renderers are up."""
    with group_of_this_process() as group, VisualReward("embedded") as reward:
        reward.score(mixed(8))
        for size in sizes:
            before, started = group.seconds(), time.perf_counter()
            reward.score(mixed(size))
            wall, cpu = time.perf_counter() - started, group.seconds() - before
            row = {"batch": size, "wall ms a request": wall * 1000 / size, "CPU ms a request": cpu * 1000 / size}
            yield row | {"scores/s": size / wall}


def endless(shares: Sequence[float], size: int, **options: float) -> Iterator[Row]:
    """Yield CPU milliseconds a request by the share of code that never ends."""
    for share in shares:
        with group_of_this_process() as group, VisualReward("embedded", **options) as reward:
            reward.score(mixed(8))
            before = group.seconds()
            reward.score(mixed(size, share))
            yield {"share endless": share, "CPU ms a request": (group.seconds() - before) * 1000 / size}


def workers(counts: Sequence[int]) -> Iterator[Row]:
    """Yield renders per second of a renderer that only waits, by the number of workers."""
    for count in counts:
        with RenderPool(workers=count) as pool:
            pool.start("waiting")
            started = time.perf_counter()
            futures = [pool.submit(str(number), "waiting") for number in range(8 * count)]
            if bad := [future.result() for future in futures if not future.result().ok]:
                raise SystemExit(f"{bad[0].status}: {bad[0].message}")
            rate = len(futures) / (time.perf_counter() - started)
        yield {"workers": count, "renders/s": rate, "of what they could": rate * waiting.SECONDS / count}


def processes(counts: Sequence[int], jobs: int) -> Iterator[Row]:
    """Yield the servers' own CPU milliseconds a render, by processes on the machine and language."""
    begin = 2
    with RenderPool() as pool:
        for count in counts:
            with server_cpu.sleeping(count):
                for language in sorted(CODE):
                    own, _, _ = server_cpu.measure(pool, language, range(begin, begin + jobs))
                    yield {"processes": server_cpu.processes(), "language": language, "server CPU ms": own}
            begin += jobs


def memory(count: int) -> Iterator[Row]:
    """Yield the memory that each of so many busy workers takes, and what is there once, by language."""
    for language in sorted(CODE):
        with RenderPool(workers=count) as pool:
            pool.start(language)
            pool.render(CODE[language].format(n=1), language)
            server = pool._servers[language].pid
            futures = [pool.submit(CODE[language].format(n=n), language) for n in range(2, 2 + 12 * count)]
            seen = [(0.0, 0.0)]
            while not all(future.done() for future in futures):
                servers = set(server_cpu.servers_of(server))
                below = [pid for pid in descendants(server) if pid not in servers]
                seen.append((sum(map(_megabytes, below)), sum(map(_megabytes, servers))))
                time.sleep(0.02)
            busiest, once = max(seen)
            yield {"language": language, "MB a worker": busiest / count, "MB once": once}


def _megabytes(pid: int) -> float:
    """Return the memory of a process, what it shares divided among those that share it."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


@contextmanager
def group_of_this_process() -> Iterator[ControlGroup]:
    """Count the CPU time of this process and all that it starts meanwhile."""
    pid = os.getpid()
    group = ControlGroup(f"vincicoder-growth-{pid}")
    group.add(pid)
    try:
        yield group
    finally:
        group.release(pid)
        group.close()
