"""What the option cpu_factor gains where code never ends, and how much honest code it ends.

    python benchmarks/code_records.py records/ charts:14 icons:12 figures:10
    python benchmarks/limits.py records/records.jsonl

Each record's code is its reference. First it is rendered several times, and from the CPU times follows which renders
each limit would have ended: of the same code, and of the code of other records in the same language, which stands for
responses that have little to do with their reference. Then the groups of a training step are scored, with and without
responses that never end, under each limit. Counted is the CPU time of everything that runs below this process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from render_cost import ControlGroup

from vincicoder import RenderPool, RewardRequest, VisualReward

_FACTOR = 5.0
_FLOORS = (2.0, 1.0, 0.5)
_CPU_SECONDS = 10.0
_ENDLESS = {
    "python": "while True:\n    pass\n",
    "latex": r"\begin{tikzpicture}\def\x{\x}\x\end{tikzpicture}",
    "html": "<!DOCTYPE html><body><script>while (true) {}</script></body>",
}
"""Code that never ends. SVG has none, since its documents run nothing."""


@dataclass(frozen=True)
class Record:
    """A record of a file that ``code_records.py`` made."""

    target: Path
    code: str
    language: str


def records_of(path: Path) -> list[Record]:
    """Return the records of a file."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Record(path.parent / row["target"], row["code"], row["language"]) for row in rows]


def fenced(code: str, language: str) -> str:
    """Return the code as a response."""
    return f"```{language}\n{code}\n```"


def times_of(records: Sequence[Record], repeats: int) -> list[list[float]]:
    """Return the CPU seconds of each record's renders."""
    times: list[list[float]] = [[] for _ in records]
    with RenderPool() as pool:
        for _ in range(repeats):
            futures = [pool.submit(record.code, record.language) for record in records]
            for own, future in zip(times, futures, strict=True):
                own.append(future.result().cpu_seconds)
    return times


def ended(records: Sequence[Record], times: Sequence[Sequence[float]], floor: float) -> tuple[float, float]:
    """Return the shares of renders that a limit would have ended: of the same code, and of other records'."""

    def limit(reference: float) -> float:
        return min(max(floor, _FACTOR * reference), _CPU_SECONDS)

    own = [other > limit(first) for first, *others in times for other in others]
    foreign = [
        seconds > limit(mine[0])
        for record, mine in zip(records, times, strict=True)
        for other, others in zip(records, times, strict=True)
        if other is not record and other.language == record.language
        for seconds in others
    ]
    return statistics.mean(own), statistics.mean(foreign)


def step(records: Sequence[Record], groups: int, responses: int, share: float) -> list[RewardRequest]:
    """Return the requests of a step: each response is its reference with a comment, a share of them never end."""
    rng = random.Random(0)
    comments = {"python": "# {}\n", "latex": "% {}\n"}
    requests = []
    for group in range(groups):
        record = records[group % len(records)]
        for response in range(responses):
            comment = comments.get(record.language, "<!-- {} -->\n").format(f"{group} {response}")
            endless = _ENDLESS.get(record.language) if rng.random() < share else None
            code = endless + comment if endless else comment + record.code
            text = fenced(code, record.language)
            requests.append(RewardRequest(text, record.target, language=record.language, reference=record.code))
    return requests


def cost(requests: Sequence[RewardRequest], group: ControlGroup, **options: float) -> tuple[float, int]:
    """Return the CPU seconds of a step, without the start of the renderers, and how many responses timed out."""
    with VisualReward("embedded", cpu_seconds=_CPU_SECONDS, wall_seconds=600, **options) as reward:
        for language in {request.language for request in requests}:
            reward._pool.start(str(language))
        before = group.seconds()
        results = reward.score(requests)
        return group.seconds() - before, sum(result.status.value == "timeout" for result in results)


def compare(
    records: Sequence[Record], times: Sequence[Sequence[float]], group: ControlGroup, responses: int, share: float
) -> None:
    """Print a line for each limit."""
    settings: list[dict[str, float]] = [{}, *({"cpu_factor": _FACTOR, "cpu_floor": floor} for floor in _FLOORS)]
    print(f"{'limit':>12}{'ends its own code':>20}{'of other records':>18}{'CPU s':>8}{'with loops':>12}{'ratio':>8}")
    plain, loops = (step(records, len(records), responses, each) for each in (0.0, share))
    for options in settings:
        floor = options.get("cpu_floor", _CPU_SECONDS)
        own, foreign = ended(records, times, floor)
        (without, _), (with_loops, timeouts) = cost(plain, group, **options), cost(loops, group, **options)
        name = f"5 x, >= {floor:g} s" if options else f"{floor:g} s"
        print(
            f"{name:>12}{own:20.2%}{foreign:18.2%}{without:8.1f}{with_loops:12.1f}{with_loops / without:8.2f}"
            f"  ({timeouts} of {len(loops)} timed out)",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, help="a file that code_records.py made")
    parser.add_argument("--repeats", type=int, default=5, help="renders of each record (default 5)")
    parser.add_argument("--responses", type=int, default=8, help="responses to a target (default 8)")
    parser.add_argument("--share", type=float, default=0.05, help="share of responses that never end (default 0.05)")
    args = parser.parse_args()
    records = records_of(args.records)
    times = times_of(records, args.repeats)
    middle, longest = statistics.median(map(min, times)), max(map(max, times))
    print(f"{len(records)} records, CPU a render: median {middle:.3f} s, longest {longest:.2f} s")
    group = ControlGroup(f"vincicoder-limits-{os.getpid()}")
    group.add(os.getpid())
    try:
        compare(records, times, group, args.responses, args.share)
    finally:
        group.release(os.getpid())
        group.close()


if __name__ == "__main__":
    main()
