"""Measures each step of the data recipes in rows per second of one core.

Every step works on the same generated rows, with one worker; rendering is timed by CPU seconds of all processes, so
that other work on the machine matters little. The last line is the time that 1.6 million rows take on 64 cores at these
rates, without reading and writing over a network. Needs the extra ``data``::

    python benchmarks/data_steps.py --rows 20000 --rendered 60
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from data_recipes.engine.cleaning import Length, Lint
from data_recipes.engine.drops import Drops
from data_recipes.engine.images import PlaceImages
from data_recipes.engine.index import balance, drop_equal_code, drop_near_images, read_index
from data_recipes.engine.pipeline import run
from data_recipes.engine.rendering import Verify
from data_recipes.engine.shards import CHUNK, ShardFormat
from data_recipes.engine.units import Row, Unit
from data_recipes.export import ROWS, Kinds
from data_recipes.refine import Damage
from data_recipes.sources import find_source, generated_domains
from vincicoder.data import Record
from vincicoder.data.layouts import LAYOUTS
from vincicoder.data.measure import measures
from vincicoder.images import open_target

WHOLE = 1_600_000
CORES = 64
REFINED = 0.5  # share of the rows that get a refinement


class Rows:
    """Records that are rendered already, again and again under new names."""

    def __init__(self, records: Sequence[Record], count: int) -> None:
        self.records, self.count = records, count

    def units(self) -> list[Unit]:
        """Return one unit."""
        return [Unit(0, self.count, "rows")]

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the records."""
        for number in range(unit.rows):
            record = self.records[number % len(self.records)]
            yield Row(f"r{number}", dataclasses.replace(record, id=f"r{number}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the steps that render nothing")
    parser.add_argument("--rendered", type=int, default=60, help="rows of each domain that are rendered")
    options = parser.parse_args()
    print(f"{'step':<34}{'rows':>8}{'rows/s of a core':>18}")
    seconds, rendered = render_steps(options.rendered)
    seconds |= light_steps(rendered, options.rows)
    per_row = sum(seconds.values())
    print(f"\n{per_row * 1000:.0f} ms of a core per row; {WHOLE:,} rows on {CORES} cores: "
          f"{per_row * WHOLE / CORES / 3600:.1f} hours")  # fmt: skip
    print(f"largest memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def render_steps(count: int) -> tuple[dict[str, float], list[Record]]:
    """Time rendering and damaging of each domain; return seconds per row, a mean over the domains, and the records."""
    seconds: dict[str, float] = {}
    records: list[Record] = []
    for name, domain in generated_domains().items():
        source = find_source(name, count=count)
        found = [row.found for unit in source.units() for row in source.read(unit)]
        bare = [each for each in found if isinstance(each, Record)]
        verify, damage = Verify(workers=1), Damage(workers=1)
        verify(bare[:1], Drops())  # starts what renders
        damage(verify(bare[:1], Drops()), Drops())
        rendering = measured(f"render and measure, {domain}", bare, verify)
        made = verify(bare, Drops())
        comparing = measured(f"render and compare, {domain}", made, verify)
        damaging = measured(f"damage and verify, {domain}", made, damage)
        verify.close()
        damage.close()
        seconds[domain] = (max(rendering, comparing) + REFINED * damaging) / len(generated_domains())
        records += made
    return seconds, records


def light_steps(rendered: Sequence[Record], count: int) -> dict[str, float]:
    """Time what renders nothing; return seconds per row of the steps that a row goes through."""
    source = Rows(rendered, count)
    rows = [row.found for row in source.read(source.units()[0]) if isinstance(row.found, Record)]
    seconds = {name: measured(name, rows, step) for name, step in (("length", Length()), ("lint", Lint()))}
    measured("fingerprint and digests", rendered, lambda chunk, drops: [_measures(record) for record in chunk])
    with tempfile.TemporaryDirectory() as directory:
        shards = Path(directory) / "records"
        seconds["shards"] = timed("write shards", count, lambda: run(source, [], shards, {}))
        seconds["index"] = timed("read index", count, lambda: read_index([shards], 0))
        seconds["choose"] = timed("duplicates and balance", count, lambda: _choose(shards))
        exports = [
            timed(f"export, {name}", count, functools.partial(_export, shards, name, Path(directory) / f"x-{name}"))
            for name in LAYOUTS
        ]
    return seconds | {"export": max(exports)}


def _measures(record: Record) -> dict[str, Any]:
    return measures(record.code, record.language, open_target(record.target))


def _choose(directory: Path) -> None:
    index = read_index([directory], 0)
    drop_equal_code(index)
    drop_near_images(index)
    balance(index, None, None)


def _export(directory: Path, layout: str, out: Path) -> None:
    run(Kinds([directory]), [PlaceImages(None)], out, {}, format=ShardFormat(layout, ROWS))


def measured(name: str, records: Sequence[Record], step: Callable[[Sequence[Record], Drops], object]) -> float:
    """Time a step on records, chunk by chunk; see :func:`timed`."""
    chunks = [records[start : start + CHUNK] for start in range(0, len(records), CHUNK)]
    return timed(name, len(records), lambda: [step(chunk, Drops()) for chunk in chunks])


def timed(name: str, count: int, work: Callable[[], object]) -> float:
    """Print how many rows a second of one core does, and return its seconds per row."""
    started = cpu_seconds()
    work()
    spent = max(cpu_seconds() - started, 1e-6)
    print(f"{name:<34}{count:>8,}{count / spent:>18,.1f}", flush=True)
    return spent / count


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that were started by it, renderers and browsers included."""
    processes = {path.parent.name: _fields(path) for path in Path("/proc").glob("[0-9]*/stat")}
    ours = {str(os.getpid())}
    grown = True
    while grown:
        children = {pid for pid, fields in processes.items() if fields and fields[1] in ours} - ours
        ours |= children
        grown = bool(children)
    ticks = sum(_ticks(processes[pid]) for pid in ours if processes.get(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(fields: list[str]) -> int:
    return sum(map(int, fields[11:15]))  # user and system, its own and of children that ended


def _fields(path: Path) -> list[str]:
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []


if __name__ == "__main__":
    main()
