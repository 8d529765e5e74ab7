"""EasyR1: ``experiment_log.jsonl`` of the logger ``file``, or what the logger ``console`` printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from vincicoder.runs.readers import Raw, Reader, flat, objects, whole

_STEP = re.compile(r"(?P<ray>(?:\x1b\[\d+m)?\([^()]*pid=[^()]*\)(?:\x1b\[\d+m)? )?Step (?P<step>\d+)\s*")
_RAY = re.compile(r"(?:\x1b\[\d+m)?\([^()]*pid=[^()]*\)(?:\x1b\[\d+m)? ?")
_LINE = re.compile(r"(?P<indent> *)(?P<name>[^\s:][^:]*):(?: (?P<number>\S+))?\s*")


def rows(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the rows of either form."""
    kept = list(lines)
    for row in objects(kept):
        step = whole(row.pop("step", None))
        if step is not None and set(row) != {"data"}:  # that is how verl's file looks
            yield step, flat(row)
    yield from _printed(kept)


def _printed(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the rows of a console: ``Step N``, then names and numbers, whose indentation says what they belong to."""
    step: int | None = None
    values: dict[str, float] = {}
    path: list[tuple[int, str]] = []
    for line in lines:
        start = _STEP.fullmatch(line)
        if start:
            if step is not None:
                yield step, values
            step, values, path = int(start["step"]), {}, []
            continue
        found = _LINE.fullmatch(_RAY.sub("", line, count=1)) if step is not None else None
        if found is None:
            continue
        indent = len(found["indent"])
        path = [each for each in path if each[0] < indent]
        name = "/".join([*(each for _, each in path), found["name"]])
        if found["number"] is None:
            path.append((indent, found["name"]))
        else:
            try:
                values[name] = float(found["number"])
            except ValueError:
                continue
    if step is not None:
        yield step, values


READER = Reader(
    trainer="easyr1",
    patterns=("experiment_log.jsonl",),
    rows=rows,
    names={
        "reward": ("reward/overall", "critic/score/mean", "val/overall_reward"),
        "length": ("response_length/mean", "val_response_length/mean"),
        "cut": ("response_length/clip_ratio", "val_response_length/clip_ratio"),
        "entropy": ("actor/entropy_loss",),
        "clip": ("actor/pg_clipfrac_higher+actor/pg_clipfrac_lower",),
        "grad_norm": ("actor/grad_norm",),
        "below_noise": ("reward/group/below_noise",),
        "step_seconds": ("timing_s/step",),
        # The batch is scored beside the old log-probabilities; what is left of the wait is in the phase after them.
        "reward_seconds": ("timing_s/adv+timing_s/reward",),
    },
    prefix="reward/",
    settings=("experiment_config.json",),
)
