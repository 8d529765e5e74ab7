"""All figures of ``docs/benchmarks.md`` in one run: ``python -m benchmarks [--quick] [--only PART ...]``.

Each language is rendered by turns in the confined pool and in the plain way that one would write first: a fresh process
or a fresh browser for every image, unconfined. Then come scores per second, the first result, and what a request costs
as batches, workers, processes on the machine and the share of endless code grow. CPU time is that of all processes that
take part, counted by control groups, which needs root. Times are medians; a ratio is the median over the pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # as its files find each other when they are run alone

import growth
import waiting
from render_cost import codes_of, opened
from rendering import CODE, naive, throughput

from vincicoder import RenderPool
from vincicoder.registry import adopt

Row = dict[str, Any]

_WARM = 2


@dataclass(frozen=True)
class Sizes:
    """How much of everything is measured.

    Attributes:
        pairs: Renders of each language in each way.
        renders: Renders of each language whose rate is measured, for each worker.
        batches: Requests of a batch.
        workers: Workers that only wait.
        processes: More processes on the machine.
        shares: Shares of code that never ends.
        endless: Requests of which these are shares.
        code: Code of each language, rendered in turn.
    """

    pairs: int = 20
    renders: int = 24
    batches: tuple[int, ...] = (1, 10, 100, 500, 2000)
    workers: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    processes: tuple[int, ...] = (0, 1000, 2000)
    shares: tuple[float, ...] = (0.0, 0.02, 0.05, 0.1)
    endless: int = 100
    code: dict[str, list[str]] = field(default_factory=lambda: {name: own(each) for name, each in CODE.items()})


def own(template: str) -> list[str]:
    """Return our own short code, each a little different."""
    return [template.format(n=number) for number in range(1, 101)]


QUICK = Sizes(5, 6, (1, 10, 60), (1, 4, 16), (0, 1000), (0.0, 0.05), 40)


def languages(sizes: Sizes) -> Iterator[Row]:
    """Yield what a render costs in a fresh process and in the pool, by language and for a mix of them all."""
    fresh = pooled = 0.0
    with growth.group_of_this_process() as group, opened(".") as pool, tempfile.TemporaryDirectory() as directory:
        for language, codes in sorted(sizes.code.items()):
            pairs = []
            for number in range(sizes.pairs + _WARM):
                code = codes[number % len(codes)]
                before, started = group.seconds(), time.perf_counter()
                naive(language, code, Path(directory))
                wall, cpu = (time.perf_counter() - started) * 1000, (group.seconds() - before) * 1000
                pairs.append((wall, cpu, pool.cost(code, language), pool.wall_ms))
            wall, cpu, own, own_wall = (statistics.median(each) for each in zip(*pairs[_WARM:], strict=True))
            ratios = [pair[1] / pair[2] for pair in pairs[_WARM:]]
            low, middle, high = statistics.quantiles(ratios, n=4)
            fresh, pooled = fresh + cpu, pooled + own
            yield {
                "language": language, "fresh process CPU ms": cpu, "pool CPU ms": own, "ratio": middle,
                "quartiles": f"{low:.1f} to {high:.1f}", "fresh process ms": wall, "pool ms": own_wall,
            }  # fmt: skip
    count = len(sizes.code)
    mean = {"fresh process CPU ms": fresh / count, "pool CPU ms": pooled / count, "ratio": fresh / pooled}
    yield {"language": "their mean", **mean}


def rates(sizes: Sizes) -> Iterator[Row]:
    """Yield renders per second with a worker for every CPU."""
    with RenderPool() as pool:
        for language in sorted(CODE):
            pool.start(language)
            yield {"language": language, "renders/s": throughput(pool, language, sizes.renders * pool.workers)}


PARTS: dict[str, tuple[str, Callable[[Sizes], Iterator[Row]]]] = {
    "languages": ("A render, confined and in a fresh process", languages),
    "rates": ("Renders per second", rates),
    "first": ("The first result, from nothing", lambda _: growth.first_result()),
    "batches": ("Scores of all languages, by the encoder embedded", lambda sizes: growth.batches(sizes.batches)),
    "workers": ("Workers that only wait a tenth of a second", lambda sizes: growth.workers(sizes.workers)),
    "processes": ("Fork servers beside other processes", lambda sizes: growth.processes(sizes.processes, sizes.pairs)),
    "endless": ("Code that never ends", lambda sizes: growth.endless(sizes.shares, sizes.endless)),
    "memory": ("Memory of busy workers", lambda _: growth.memory(len(os.sched_getaffinity(0)))),
}  # fmt: skip


def shown(value: Any) -> str:
    """Return a value as a table has it."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: list[Row]) -> str:
    """Return rows as a table of Markdown."""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(shown(row.get(head, "")) for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything: minutes in place of an hour")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument(
        "--records", type=Path, help="public code for the first part, which the plain way runs unconfined"
    )
    parser.add_argument("--json", type=Path, help="where the figures go too")
    parser.add_argument("--plot", type=Path, help="where a chart of the growth goes")
    options = parser.parse_args()
    adopt({"vincicoder.languages": [waiting.PLUGIN]})
    found: dict[str, list[Row]] = {}
    sizes = QUICK if options.quick else Sizes()
    if options.records:
        sizes = replace(sizes, code=codes_of(options.records))
    for name in options.only:
        title, measure = PARTS[name]
        found[name] = list(measure(sizes))
        print(f"{title}\n\n{table(found[name])}\n", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    if options.plot:
        plot(found, options.plot)


_GROWTH = {
    "batches": ("batch", "CPU ms a request"),
    "workers": ("workers", "renders/s"),
    "processes": ("processes", "server CPU ms"),
    "endless": ("share endless", "CPU ms a request"),
}


def plot(found: dict[str, list[Row]], path: Path) -> None:
    """Draw what was measured of the growth."""
    import matplotlib.pyplot as plt

    names = [name for name in _GROWTH if name in found]
    figure, panels = plt.subplots(1, len(names), figsize=(3.4 * len(names), 3.2), squeeze=False)
    for name, axes in zip(names, panels[0], strict=True):
        across, up = _GROWTH[name]
        for label in dict.fromkeys(row.get("language") for row in found[name]):
            rows = [row for row in found[name] if row.get("language") == label]
            axes.plot([row[across] for row in rows], [row[up] for row in rows], "o-", label=label)
        if name in ("batches", "workers"):
            axes.set_xscale("log")
        axes.set(xlabel=across, ylabel=up, title=PARTS[name][0], ylim=(0, 1.1 * max(row[up] for row in found[name])))
        axes.title.set_fontsize(8)
        if any("language" in row for row in found[name]):
            axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
