"""What it saves to dump the preambles of LaTeX documents, by turns with a pool that dumps none.

    python benchmarks/preambles.py records.jsonl

Each document of the records is rendered some times in both pools, with a number added that changes nothing, so that it
is another code with the same preamble. The third render dumps the preamble, if it can be, which is counted there; those
after it begin from the dump. CPU time is that of all processes, counted by a control group, which needs root.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import growth
from render_cost import ControlGroup, codes_of

from vincicoder import RenderPool
from vincicoder.rendering.latex import LatexRenderer
from vincicoder.rendering.latex_preambles import preamble_of

_END = r"\end{document}"


def cost(pool: RenderPool, code: str, group: ControlGroup) -> tuple[float, bytes]:
    """Return the CPU milliseconds of a render, and its pixels."""
    before = group.seconds()
    render = pool.render(code, "latex")
    if render.image is None:
        raise SystemExit(f"{render.status}: {render.message}")
    return (group.seconds() - before) * 1000, render.image.tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, help="a file that code_records.py made")
    parser.add_argument("--renders", type=int, default=6, help="renders of each document, at least 4 (default 6)")
    args = parser.parse_args()
    codes = [code for code in codes_of(args.records)["latex"] if preamble_of(code) is not None]
    with growth.group_of_this_process() as group, RenderPool(workers=1) as dumping, RenderPool(workers=1) as plain:
        beginnings_of, LatexRenderer.beginnings_of = LatexRenderer.beginnings_of, None
        plain.start("latex")
        LatexRenderer.beginnings_of = beginnings_of
        dumping.start("latex")
        costs: dict[int, list[tuple[float, float]]] = {number: [] for number in range(args.renders)}
        same, dumped = 0, []
        for code in codes:
            for number in range(args.renders):
                numbered = f"\n% {number}\n{_END}".join(code.rsplit(_END, 1))
                pair = cost(plain, numbered, group), cost(dumping, numbered, group)
                costs[number].append((pair[0][0], pair[1][0]))
                same += pair[0][1] == pair[1][1]
            dumped.append(dumping._servers["latex"]._beginnings.find(LatexRenderer.beginnings_of(code)) is not None)
    print(f"{len(codes)} documents, {sum(dumped)} with a preamble that can be dumped; {same} of "
          f"{args.renders * len(codes)} pairs of images are the same")  # fmt: skip
    print(f"{'render':8}{'plain ms':>10}{'dumping ms':>12}{'median ratio':>14}   of those that can be dumped")
    for number, pairs in costs.items():
        taken = [pair for pair, each in zip(pairs, dumped, strict=True) if each]
        before, after = (statistics.mean(each) for each in zip(*taken, strict=True))
        print(
            f"{number + 1:<8}{before:10.0f}{after:12.0f}{statistics.median(a / b for b, a in taken):14.2f}", flush=True
        )


if __name__ == "__main__":
    main()
