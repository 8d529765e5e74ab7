"""Watch policies learn from the visual reward alone, on a CPU, and see what each preset teaches.

A tiny vision-language model with random weights is trained by TRL's GRPOTrainer: it sees an image of one shape with a
label and answers with an SVG document in a fenced block, or with a mosaic of what it sees; the answer is rendered in
the sandbox and compared with the image. Nothing else teaches it: no labels, no supervised stage. Now and then it is
asked for images that it is never trained on. One policy learns from the preset `paper`, one from `paper` without the
word for a mosaic, one from `robust`, and a control from `robust` and the images of other scenes.

    python examples/learn_on_cpu.py                          one seed, all four policies
    python examples/learn_on_cpu.py --seeds 0 1 2            the whole experiment
    python examples/learn_on_cpu.py --worth                  what each kind of mistake costs; trains nothing
    python examples/learn_on_cpu.py --quick                  a minute or less: enough to see the reward rise

The directory OUT gets runs/*.json with every number and response, results.json, curve.png and gallery.png. A finished
run is not done again, and what an answer has earned is kept in marks.jsonl.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments import kept, require
from learning import ARMS


def main() -> None:
    """Do the runs that are missing, then draw and print what came of all of them."""
    options = _options()
    require("trl torch", "trl", "torch")
    from learning.judging import Judge, worth
    from learning.runs import Settings

    settings = Settings(20, 10) if options.quick else Settings(options.steps, options.every)
    (options.out / "runs").mkdir(parents=True, exist_ok=True)
    judge = Judge(options.out / "marks.jsonl")
    try:
        if options.worth:
            print("means over held-out scenes     paper  robust    ssim")
            for name, mark in worth(judge).items():
                print(f"{name:24} {mark.paper:11.3f} {mark.robust:7.3f} {mark.ssim:7.3f}")
            return
        runs = [_kept_run(options.out, arm, seed, settings, judge) for seed in options.seeds for arm in options.arms]
        _report(options.out, runs, judge)
    finally:
        judge.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/learn_on_cpu"), help="results [%(default)s]")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0], help="seeds; one policy of each kind is trained for each [0]"
    )
    parser.add_argument("--arms", nargs="+", choices=ARMS, help="what to train [all; robust with --quick]")
    parser.add_argument("--steps", type=int, default=100, help="updates of the policy [%(default)s]")
    parser.add_argument("--every", type=int, default=10, help="steps between evaluations [%(default)s]")
    parser.add_argument("--worth", action="store_true", help="train nothing; say what each kind of answer is worth")
    parser.add_argument("--quick", action="store_true", help="20 steps")
    options = parser.parse_args()
    if options.every < 1 or options.steps < options.every:
        parser.error(f"--every must be from 1 to --steps, which is {options.steps}, but is {options.every}")
    options.arms = options.arms or (["robust"] if options.quick else list(ARMS))
    return options


def _kept_run(out: Path, arm: str, seed: int, settings: Any, judge: Any) -> dict[str, Any]:
    """Return the run from the directory, or do it and leave it there."""
    from learning.runs import run

    path = out / "runs" / f"seed{seed}-{arm}.json"
    try:
        return kept(path, asdict(settings), lambda: run(arm, seed, settings, judge))
    except ValueError as error:
        sys.exit(str(error))


def _report(out: Path, runs: list[dict[str, Any]], judge: Any) -> None:
    from learning.figures import draw_curves, draw_gallery, summarise

    summary = summarise(runs)
    (out / "results.json").write_text(json.dumps(summary, indent=1))
    draw_curves(summary, out / "curve.png")
    draw_gallery(runs, judge, out / "gallery.png")
    names = list(next(iter(summary.values()))["likeliest"])
    print("likeliest answers to held-out scenes: means over seeds")
    print(f"{'':14}" + "".join(f"{name:>11}" for name in names) + "    seconds")
    for arm, found in summary.items():
        values = "".join(f"{found['likeliest'][name]['mean'][0]:11.3f}" for name in names)
        print(f"{arm:14}{values}{found['seconds']:11.0f}")
    print(f"{out / 'curve.png'}, {out / 'gallery.png'}, {out / 'results.json'}")


if __name__ == "__main__":
    main()
