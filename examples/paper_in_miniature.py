"""Train a model of six million weights as VinciCoder was trained, in two stages, on a CPU and from nothing.

The model sees an image of one or two shapes and a word, and writes an SVG document token by token; it can write any
text. First it learns from rows made by program: images with their code, and flawed code to fix. Then TRL's GRPOTrainer
goes on with the visual reward: the answers are rendered in the sandbox and compared with the images. At the end each
model answers images that no stage has shown it, and is judged by what no reward contains.

    python examples/paper_in_miniature.py --arms robust       R0: both stages, one seed
    python examples/paper_in_miniature.py --seeds 0 1 2       R0+: every arm, three seeds
    python examples/paper_in_miniature.py --quick             a minute: enough to see that it works

Arms: `sft` has the first stage only; `paper` and `robust` go on with that preset; `robust-direct` is `robust` after a
first stage without flawed code. OUT/STAGE-seedN holds the log and the checkpoint of a stage, for `vincicoder watch` and
`vincicoder card`, and OUT/results its result. A stage that is finished is not run again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from experiments import require
from miniature import ARMS


def main() -> None:
    """Run the stages that are missing, and print what came of all of them."""
    options = _options()
    require('"vincicoder[eval,robust]" trl torch', "trl", "torch", "cv2")
    from miniature.report import table
    from miniature.settings import QUICK, Settings
    from miniature.stages import Experiment

    given = {name: value for name in ("epochs", "learning_rate") if (value := getattr(options, name)) is not None}
    settings = replace(QUICK if options.quick else Settings(), **given)
    experiment = Experiment(options.out, settings, options.workers)
    try:
        found = [each for seed in options.seeds for arm in options.arms for each in experiment.results(arm, seed)]
    except ValueError as error:
        sys.exit(str(error))
    finally:
        experiment.close()
    print(table(found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/miniature"), help="results [%(default)s]")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one model of each arm for each [0]")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="what to train [all]")
    parser.add_argument("--workers", type=int, help="processes that render [one a CPU]")
    parser.add_argument("--epochs", type=int, help="how often the first stage sees each row [2]")
    parser.add_argument("--learning-rate", type=float, help="of the updates by the reward [5e-5]")
    parser.add_argument("--quick", action="store_true", help="a tiny model and a few steps")
    options = parser.parse_args()
    for name in ("epochs", "learning_rate"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            parser.error(f"--{name.replace('_', '-')} must be above 0, but is {value}")
    return options


if __name__ == "__main__":
    main()
