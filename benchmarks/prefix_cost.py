"""Compare the CPU time of a render that also draws 20 prefixes with that of the render alone.

    python benchmarks/prefix_cost.py --pairs 40

Both are done by turns, in one run. Counted is all that a pool and the processes under it use, as `render_cost.py` does,
so making control groups needs root. A third column is what 20 renders one after the other would take.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from render_cost import ControlGroup

PREFIXES = 20
_DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
from vincicoder import RenderPool
with RenderPool(workers=1) as pool:
    for line in sys.stdin:
        language, code, prefixes = eval(line)
        render = pool.submit(code, language, prefixes=prefixes).result()
        print(f"{render.status.value} {len(render.prefixes)}", flush=True)
"""
_REST_SECONDS = 0.03
_COLOURS = ("red", "teal", "orange", "purple", "gray", "blue")


def _icon() -> str:
    shapes = "".join(
        f'<circle cx="{9 + 4 * n}" cy="{20 + 3 * (n % 7)}" r="{3 + n % 5}" fill="{_COLOURS[n % 6]}"/>'
        for n in range(19)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 60">{shapes}</svg>'


def _drawing() -> str:
    waves = "".join(
        f'<path fill="none" stroke="{_COLOURS[n % 6]}" d="M0 {5 * n}'
        + "".join(f" q5 {(n * step) % 9 - 4} 10 0" for step in range(40))
        + '"/>'
        for n in range(12)
    )
    labels = "".join(f'<text x="{12 * n}" y="{9 * n + 9}" font-size="9">Label {n}</text>' for n in range(12))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 240"><g>{waves}</g>{labels}</svg>'


def _picture() -> str:
    nodes = "\n".join(
        rf"\node[draw,circle,fill={_COLOURS[n % 6]}!30] (n{n}) at ({n % 5},{n // 5}) {{$x_{{{n}}}$}};"
        for n in range(12)
    )
    edges = "\n".join(rf"\draw[->,thick] (n{n}) to[bend left] (n{n + 1});" for n in range(11))
    return f"\\begin{{tikzpicture}}\n{nodes}\n{edges}\n\\end{{tikzpicture}}"


CODE = {"SVG, 19 circles": ("svg", _icon()), "SVG, 24 elements": ("svg", _drawing()), "TikZ": ("latex", _picture())}


class Pool:
    """A pool of one worker in a control group of its own."""

    def __init__(self) -> None:
        self._group = ControlGroup(f"prefix-cost-{time.monotonic_ns()}")
        root = str(Path(__file__).resolve().parents[1])
        command = [sys.executable, "-c", _DRIVER, root]
        self._driver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._group.add(self._driver.pid)

    def cost(self, language: str, code: str, prefixes: int) -> float:
        """Return the CPU time of one render in milliseconds."""
        assert self._driver.stdin is not None and self._driver.stdout is not None
        before = self._group.seconds()
        self._driver.stdin.write(f"{(language, code, prefixes)!r}\n")
        self._driver.stdin.flush()
        answer = self._driver.stdout.readline().strip()
        if answer != f"ok {prefixes}":
            raise SystemExit(f"{language}: {answer}")
        time.sleep(_REST_SECONDS)
        return (self._group.seconds() - before) * 1000

    def close(self) -> None:
        """End its processes."""
        self._driver.communicate()
        self._group.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40, help="renders of each kind (default: 40)")
    pairs = parser.parse_args().pairs
    pool = Pool()
    print(f"{'':<18}{'alone':>9}{f'with {PREFIXES}':>10}{'ratio':>8}{'one by one':>12}   CPU milliseconds, medians")
    for name, (language, code) in CODE.items():
        for prefixes in (0, PREFIXES):
            pool.cost(language, code, prefixes)
        found = [[pool.cost(language, code, prefixes) for prefixes in (0, PREFIXES)] for _ in range(pairs)]
        alone, together = (statistics.median(each) for each in zip(*found, strict=True))
        print(f"{name:<18}{alone:>9.1f}{together:>10.1f}{together / alone:>8.2f}{alone * PREFIXES:>12.0f}", flush=True)
    pool.close()


if __name__ == "__main__":
    main()
