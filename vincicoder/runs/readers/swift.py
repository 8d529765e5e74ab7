"""ms-swift: ``logging.jsonl``, of reinforcement learning and of supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vincicoder.runs.readers import Raw, Reader, objects, of_step

_STEP = "global_step/max_steps"  # "3/164"


def rows(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the rows that say their step."""
    for row in objects(lines):
        step, _, _ = str(row.get(_STEP, "")).partition("/")
        if step.isdigit():
            yield int(step), of_step(row)


READER = Reader(
    trainer="swift",
    patterns=("logging.jsonl",),
    rows=rows,
    names={
        "reward": ("reward", "eval_reward"),
        "length": ("completions/mean_length",),
        "cut": ("completions/clipped_ratio",),
        "entropy": ("entropy/mean",),
        "clip": ("clip_ratio/region_mean",),
        "kl": ("rollout_correction/k3_kl", "rollout_correction/kl"),
        "grad_norm": ("grad_norm",),
        "below_noise": ("vincicoder/group/below_noise",),
        "run_seconds": ("train_runtime",),
        "step_seconds": ("train_speed(s/it)",),
        # All ranks wait until a batch is scored, which takes at least as long as the mean sample of it does.
        "reward_seconds": ("vincicoder/seconds_total",),
        "loss": ("loss",),
        "token_accuracy": ("token_acc",),
    },
    prefix="vincicoder/",
    settings=("args.json",),
)
