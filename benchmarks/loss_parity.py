"""How far the updates of EasyR1, verl, ms-swift and TRL agree: same model, same responses, same rewards.

Sixteen fixed responses with continuous rewards go through each trainer's real code for advantages and loss, once with
the profile ``paper`` and once with each of its settings that a trainer would have otherwise. EasyR1 is compared if
``EASYR1_HOME`` names a checkout of it. Run: ``EASYR1_HOME=~/EasyR1 python benchmarks/loss_parity.py``.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vincicoder.planning.profiles import TITLES, paper

PAPER = "the profile paper"
CASES = ("first update", "later update")
_ACTOR = "actor_rollout_ref.actor."

VARIANTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "easyr1": {
        "a mean over responses, `loss_avg_mode=seq`": {"worker.actor.loss_avg_mode": "seq"},
    },
    "verl": {
        "its clip above, 0.2": {f"{_ACTOR}clip_ratio_high": 0.2},
        "no division by the standard deviation": {"algorithm.norm_adv_by_std_in_grpo": False},
    },
    "swift": {
        "its mean over responses, `--loss_type grpo`": {"--loss_type": "grpo"},
        "its clip above, 0.2": {"--epsilon_high": 0.2},
        "no dual clip, as without `--delta`": {"--delta": 1e9},
        "truncated responses left out, `--overlong_filter true`": {"--overlong_filter": True},
        "0.005 added to the standard deviation, `--reward_weights 0.02`": {"--reward_weights": 0.02},
    },
    "trl": {
        "its clip above, 0.2": {"epsilon_high": 0.2},
        "no dual clip, as without `delta`": {"delta": None},
        "truncated responses left out, `mask_truncated_completions`": {"mask_truncated_completions": True},
        "0.005 added to the standard deviation, `reward_weights=[0.02]`": {"reward_weights": [0.02]},
    },
}
"""What is changed of the profile, by trainer and in words."""


@dataclass(frozen=True)
class Compared:
    """A run beside the reference, which is EasyR1 if it is there, else verl.

    Attributes:
        trainer: A key of ``TITLES``.
        what: ``PAPER``, or what was changed of it.
        advantages: Of the 16 responses.
        apart: Most that an advantage is away from the reference's.
        cosines: Of the gradient and the reference's, by case.
        norms: The gradient's norm over that of the reference, by case.
    """

    trainer: str
    what: str
    advantages: list[float]
    apart: float
    cosines: dict[str, float]
    norms: dict[str, float]

    def row(self) -> str:
        """Return a row of the Markdown table."""
        cells = (f"{values[case]:.4f}" for case in CASES for values in (self.cosines, self.norms))
        return f"| {TITLES[self.trainer]} | {self.what} | {self.apart:.4f} | {' | '.join(cells)} |"


def compare(easyr1: str | None = None) -> list[Compared]:
    """Run every trainer that is installed, and compare.

    Args:
        easyr1: Directory of a checkout of EasyR1.

    Returns:
        The profile of each trainer first, then the variants.
    """
    known = [name for name in TITLES if (easyr1 if name == "easyr1" else importlib.util.find_spec(name))]
    found = {name: _runs(name, easyr1) for name in known}
    reference = found[known[0]][PAPER]
    both = [(name, what) for name in known for what in found[name]]
    return [
        _compared(name, what, found[name][what], reference)
        for name, what in sorted(both, key=lambda each: each[1] != PAPER)
    ]


def _runs(trainer: str, easyr1: str | None) -> dict[str, dict[str, Any]]:
    """Return what a trainer's process answers, by what was changed."""
    changes: dict[str, Mapping[str, Any]] = {PAPER: {}, **VARIANTS[trainer]}
    request = {"trainer": trainer, "runs": [{**paper(trainer), **each} for each in changes.values()]}
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    if trainer == "easyr1":
        environment["PYTHONPATH"] = str(easyr1)  # its package is called verl too
    command = [sys.executable, str(Path(__file__).with_name("loss_sides.py"))]
    done = subprocess.run(
        command, input=json.dumps(request), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{TITLES[trainer]} has failed:\n{done.stderr[-3000:]}")
    return dict(zip(changes, json.loads(done.stdout.splitlines()[-1]), strict=True))


def _compared(trainer: str, what: str, found: Mapping[str, Any], reference: Mapping[str, Any]) -> Compared:
    apart = max(abs(a - b) for a, b in zip(found["advantages"], reference["advantages"], strict=True))
    gradients = {case: (found["gradients"][case], reference["gradients"][case]) for case in CASES}
    cosines = {case: _dot(a, b) / math.sqrt(_dot(a, a) * _dot(b, b)) for case, (a, b) in gradients.items()}
    norms = {case: math.sqrt(_dot(a, a) / _dot(b, b)) for case, (a, b) in gradients.items()}
    return Compared(trainer, what, found["advantages"], apart, cosines, norms)


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(first, second, strict=True))


def main() -> None:
    """Print the table."""
    titles = (f"{case}: {what}" for case in CASES for what in ("cosine", "norm"))
    print(f"| trainer | settings | advantages apart by | {' | '.join(titles)} |")
    print("|---" * (3 + 2 * len(CASES)) + "|")
    for each in compare(os.environ.get("EASYR1_HOME")):
        print(each.row())


if __name__ == "__main__":
    main()
