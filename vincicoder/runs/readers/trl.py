"""TRL: ``trainer_state.json`` of a checkpoint, or any JSON file with a ``log_history``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from vincicoder.runs.readers import Raw, Reader, of_step, whole


def rows(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the rows of the history."""
    try:
        state = json.loads("".join(lines))
    except (ValueError, RecursionError):
        return
    history = state.get("log_history") if isinstance(state, dict) else state
    for row in history if isinstance(history, list) else ():
        step = whole(row.pop("step", None)) if isinstance(row, dict) else None
        if step is not None:
            yield step, of_step(row)


READER = Reader(
    trainer="trl",
    patterns=("trainer_state.json", "*.json"),
    rows=rows,
    names={
        "reward": ("reward", "eval_reward"),
        "length": ("completions/mean_length",),
        "cut": ("completions/clipped_ratio",),
        "entropy": ("entropy",),
        "clip": ("clip_ratio/region_mean",),
        "kl": ("sampling/sampling_logp_difference/mean",),
        "grad_norm": ("grad_norm",),
        "below_noise": ("vincicoder/group/below_noise",),
        "run_seconds": ("train_runtime",),
        "step_seconds": ("step_time",),
        "reward_seconds": ("vincicoder/seconds_total",),
    },
    prefix="vincicoder/",
)
