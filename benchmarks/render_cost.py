"""Compare the CPU time of a render in two checkouts, such as before and after a change of the sandbox.

    git worktree add ../before COMMIT
    python benchmarks/render_cost.py ../before . --pairs 200

The same code is rendered in both by turns, in one run. Counted is all that a pool and the processes under it use, from
the call until everything is at rest again: fork servers, browsers, TeX. The processes of each checkout are in a control
group of their own, whose clock counts nanoseconds and forgets no process; making one needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rendering import CODE

_DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
from vincicoder import RenderPool
with RenderPool(workers=1) as pool:
    for line in sys.stdin:
        language, code = eval(line)
        render = pool.render(code, language)
        print("ok" if render.ok else repr(render), flush=True)
"""
_REST_SECONDS = 0.03  # in which a fork server tidies up
_WARM = 5


class ControlGroup:
    """A control group for processes whose CPU time is counted.

    Args:
        name: Its name.

    Raises:
        SystemExit: None can be made.
    """

    def __init__(self, name: str) -> None:
        roots = (("/sys/fs/cgroup", "cpu.stat"), ("/sys/fs/cgroup/cpuacct", "cpuacct.usage"))
        for root, clock in roots:
            if not (Path(root) / clock).is_file():
                continue
            self._path = Path(root) / name
            try:
                self._path.mkdir()
            except OSError as error:
                raise SystemExit(f"no control group can be made: {error}") from None
            self._clock = self._path / clock
            return
        raise SystemExit("this system has no control groups that count CPU time")

    def add(self, pid: int) -> None:
        """Count a process, and what it will start."""
        (self._path / "cgroup.procs").write_text(str(pid))

    def release(self, pid: int) -> None:
        """Count a process no more."""
        (self._path.parent / "cgroup.procs").write_text(str(pid))

    def seconds(self) -> float:
        """Return the CPU time so far."""
        text = self._clock.read_text()
        return int(text.split()[1]) / 1e6 if text.startswith("usage_usec") else int(text) / 1e9

    def close(self) -> None:
        """Remove it, when its processes have ended."""
        while (self._path / "cgroup.procs").read_text():
            time.sleep(0.1)
        self._path.rmdir()


class Checkout:
    """A pool of one worker that runs the code of a checkout, or whatever else another driver does there.

    Attributes:
        wall_ms: Wall time of the latest render.
    """

    def __init__(self, path: str, driver: str = _DRIVER) -> None:
        self.wall_ms = 0.0
        self._group = ControlGroup(f"render-cost-{os.getpid()}-{id(self)}")
        self._driver = subprocess.Popen(
            [sys.executable, "-c", driver, str(Path(path).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=path,
        )
        self._group.add(self._driver.pid)

    def cost(self, code: str, language: str) -> float:
        """Return the CPU time of one render in milliseconds."""
        assert self._driver.stdin is not None and self._driver.stdout is not None
        before, started = self._group.seconds(), time.perf_counter()
        self._driver.stdin.write(f"{(language, code)!r}\n")
        self._driver.stdin.flush()
        answer = self._driver.stdout.readline().strip()
        if answer != "ok":
            raise SystemExit(f"{language}: {answer}")
        self.wall_ms = (time.perf_counter() - started) * 1000
        time.sleep(_REST_SECONDS)
        return (self._group.seconds() - before) * 1000

    def close(self) -> None:
        """End its processes."""
        self._driver.communicate()
        self._group.close()


@contextmanager
def opened(path: str, driver: str = _DRIVER) -> Iterator[Checkout]:
    """Yield a checkout's pool, or what another driver makes of it."""
    checkout = Checkout(path, driver)
    try:
        yield checkout
    finally:
        checkout.close()


def codes_of(path: Path) -> dict[str, list[str]]:
    """Return the code of records by language."""
    codes: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        codes.setdefault(record["language"], []).append(record["code"])
    return codes


def main() -> None:
    """Print a line for each language, and the means of an equal mix of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a checkout")
    parser.add_argument("after", help="another")
    parser.add_argument("--pairs", type=int, default=200, help="renders in each, for each language (default 200)")
    parser.add_argument("--records", type=Path, help="code of a file that code_records.py made, in place of our own")
    parser.add_argument("--languages", nargs="+", choices=sorted(CODE), default=sorted(CODE))
    args = parser.parse_args()
    print(f"{'language':10}{'before ms':>11}{'after ms':>10}{'ratio':>8}{'quartiles':>15}{'of sums':>9}", flush=True)
    own = codes_of(args.records) if args.records else {}
    means = []
    for language in args.languages:
        codes = own.get(language)
        with ExitStack() as stack:
            both = [stack.enter_context(opened(path)) for path in (args.before, args.after)]
            costs: tuple[list[float], list[float]] = ([], [])
            for number in range(1, args.pairs + _WARM + 1):
                for index in random.sample((0, 1), 2):
                    code = codes[number % len(codes)] if codes else CODE[language].format(n=number)
                    costs[index].append(both[index].cost(code, language))
        before, after = (each[_WARM:] for each in costs)
        ratios = [after_ms / before_ms for before_ms, after_ms in zip(before, after, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{language:10}{statistics.median(before):11.1f}{statistics.median(after):10.1f}{middle:8.3f}"
            f"{f'{low:.3f}-{high:.3f}':>15}{sum(after) / sum(before):9.3f}",
            flush=True,
        )
        means.append((statistics.mean(before), statistics.mean(after)))
    old, new = (statistics.mean(each) for each in zip(*means, strict=True))
    print(f"{'mean':10}{old:11.1f}{new:10.1f}{new / old:8.3f}")


if __name__ == "__main__":
    main()
