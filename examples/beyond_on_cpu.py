"""See on a CPU whether a second look, or credit for every stroke, teaches more than one reward for one answer.

A tiny vision-language model sees 3 to 6 shapes and writes SVG, in words of a small grammar. It has learned from flawed
code, so what it writes has flaws. TRL's GRPOTrainer goes on with the reward of the preset `paper`, in five ways that
differ in one thing each:

    outcome    one answer, and the advantage of its reward in its group
    process    one answer, and process credit alone
    both       one answer, and both
    shuffled   control: as `both`, but the gains of an answer's strokes are dealt out to its strokes by chance
    turns      two answers: the second is given to the target and the render of the first, and the reward is that of the
               last render, by the rules of turns; half as many episodes, so that there are as many answers

    python examples/beyond_on_cpu.py --arms outcome turns --seeds 0 1 2                     a second look
    python examples/beyond_on_cpu.py --arms outcome process both shuffled --seeds 0 1 2     credit for every stroke
    python examples/beyond_on_cpu.py --quick                                                a minute: does it work?

OUT gets runs/*.json with every number and response, results.json and curve.png. A finished run is not done again.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from beyond.settings import ARMS, QUICK, Settings
from experiments import kept, require


def main() -> None:
    """Do the runs that are missing, then draw and print what came of all of them."""
    options = _options()
    require('"vincicoder[eval,robust]" trl torch', "trl", "torch", "cv2")
    from beyond.figures import draw_curves, summarise, table
    from beyond.judging import Judge
    from beyond.runs import run, split

    settings = QUICK if options.quick else Settings()
    options.out.mkdir(parents=True, exist_ok=True)
    judge = Judge(split(settings)[0])
    runs = []
    try:
        for seed in options.seeds:
            for arm in options.arms:
                path = options.out / "runs" / f"seed{seed}-{arm}.json"
                make = lambda arm=arm, seed=seed: run(arm, seed, settings, judge, options.out)  # noqa: E731
                runs.append(kept(path, asdict(settings), make))
    except ValueError as error:
        sys.exit(str(error))
    finally:
        judge.close()
    summary = summarise(runs)
    (options.out / "results.json").write_text(json.dumps(summary))
    draw_curves(summary, options.out / "curve.png")
    print(table(summary))
    print(f"{options.out / 'curve.png'}, {options.out / 'results.json'}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/beyond_on_cpu"), help="results [%(default)s]")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one policy of each arm for each [0]")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="what to train [all]")
    parser.add_argument("--quick", action="store_true", help="a few steps; nothing is learned")
    return parser.parse_args()


if __name__ == "__main__":
    main()
