"""Whole runs of verl's trainer with a tiny model on CPUs, and what they leave behind."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repository import EXAMPLES, ROOT, SUPPORT
from taught_vlm import COLOURS, PROMPT, TARGETS, target_png

from vincicoder import RewardRequest, RewardResult, VisualReward

SCORING = {"encoder": "embedded", "workers": 1, "wall_seconds": 240}
"""Options of the reward in a run, and where its samples are scored again: a busy machine ends no render."""

LONGEST = 64
"""Tokens that a response may have."""

_SCRIPT = EXAMPLES / "qwen3vl_8b_vincicoder_verl.sh"
_REFERENCES = [f'<svg width="64" height="64"><rect width="64" height="64" fill="{each}"/></svg>' for each in COLOURS]
_TARGETS = dict(zip(_REFERENCES, TARGETS, strict=True))


def train(
    directory: Path, policy: Path, *settings: str, tokens: tuple[int, int] = (256, LONGEST), **reward: Any
) -> str:
    """Run the example script's command with a tiny model on CPUs, and return what it printed.

    It trains on two rows a step, with four responses each, of a set as ``vincicoder data export --layout verl`` writes
    it: the image is in the column ``images`` only, and half of the rows have another target.

    Args:
        directory: Where the run works.
        policy: The model.
        settings: Of verl; they come last.
        tokens: That a prompt and a response may have.
        reward: Options of the reward beside `SCORING`.
    """
    import verl_on_cpu

    script = {"MODEL": policy, "TRAIN_FILES": _rows(directory / "train.parquet"), "BATCH": 2, "GROUP": 4}
    script |= {"MAX_PROMPT": tokens[0], "MAX_RESPONSE": tokens[1], "CHECKPOINT_DIR": directory / "checkpoints"}
    script |= {"REWARD_ENCODER": SCORING["encoder"], "REWARD_WORKERS": SCORING["workers"], "PYTHON": sys.executable}
    variables = {**os.environ, "DRY_RUN": "1", **{name: str(value) for name, value in script.items()}}
    shown = subprocess.run(["bash", _SCRIPT], env=variables, capture_output=True, text=True, check=True)
    options = {"wall_seconds": SCORING["wall_seconds"], **reward}
    rewarding = [f"+reward.reward_kwargs.{name}={value}" for name, value in options.items()]
    command = [*shlex.split(shown.stdout), *verl_on_cpu.settings(), *rewarding, *settings]
    paths = os.pathsep.join([str(SUPPORT), str(ROOT)])
    environment = {**os.environ, **verl_on_cpu.environment(), "PYTHONPATH": paths}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


def _rows(path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vincicoder.data import Record
    from vincicoder.data.layouts import LAYOUTS

    rows = [(code, target_png(target)) for code, target in _TARGETS.items() for _ in range(2)]
    records = [Record(f"{n}", "svg", "generate", "svg", PROMPT, *row) for n, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist([LAYOUTS.get("verl").write(record) for record in records]), path)
    return path


def logged(log: str, name: str) -> list[float]:
    """Return the values that verl printed under a name, by step."""
    return [float(value) for value in re.findall(rf"\b{name}:(?:np.float64\()?([-\d.e]+)", log)]


def dumped(directory: Path) -> list[dict[str, Any]]:
    """Return the samples that verl wrote down, of all steps."""
    files = sorted(directory.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def requests_of(samples: Sequence[dict[str, Any]]) -> list[RewardRequest]:
    """Return what the reward was asked of samples that verl wrote down."""
    return [RewardRequest(each["output"], _TARGETS[each["gts"]], PROMPT) for each in samples]


def scored(requests: Sequence[RewardRequest], **options: Any) -> list[RewardResult]:
    """Score requests as the run did."""
    with VisualReward(**SCORING, **options) as reward:
        return reward.score(requests)
