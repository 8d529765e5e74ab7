"""verl: the file of the logger ``file``, or what the logger ``console`` printed, and the responses that it keeps.

verl logs nothing of a training step's reward but the mean. All of our metrics are with the responses that
``trainer.rollout_data_dir`` keeps; they are read where that directory is called ``rollouts``.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vincicoder.runs.readers import Raw, Reader, flat, objects, whole

_PRINTED = re.compile(r"(?:^|\s)step:(?P<step>\d+) - (?P<values>.*)")
_VALUE = re.compile(r"(?P<name>[^\s:][^:]*):(?:np\.\w+\()?(?P<number>[^\s()]+)\)?")
_ROLLOUTS = "rollouts"
_PREFIX = "reward/"  # what we put before a metric of responses; verl itself has none
_LOGGED = "vincicoder/"  # what our sampler puts before its metrics, in verl's own log


def rows(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the rows of either form."""
    for line in lines:
        for row in objects([line]):
            step, data = whole(row.get("step")), row.get("data")
            if step is not None and isinstance(data, Mapping):
                yield step, _renamed(flat(data))
        printed = _PRINTED.search(line)
        if printed:
            yield int(printed["step"]), _renamed(dict(_numbers(printed["values"])))


def _renamed(values: Mapping[str, float]) -> dict[str, float]:
    """Return values with the names that our sampler's metrics have in the responses that were kept, too."""
    return {
        _PREFIX + name.removeprefix(_LOGGED) if name.startswith(_LOGGED) else name: each
        for name, each in values.items()
    }


def _numbers(text: str) -> Iterator[tuple[str, float]]:
    for part in text.strip().split(" - "):
        found = _VALUE.fullmatch(part.strip())
        if found:
            try:
                yield found["name"], float(found["number"])
            except ValueError:
                continue


def of_responses(directory: Path) -> Iterator[Raw]:
    """Yield the means of our metrics over the responses of each step that were kept."""
    for path in sorted(directory.glob(f"**/{_ROLLOUTS}/*.jsonl")):
        step = int(path.stem) if path.stem.isdigit() else None
        if step is not None:
            about = path.stat()
            yield step, dict(_means_in(path, about.st_size, about.st_mtime_ns))


@functools.lru_cache(maxsize=4096)
def _means_in(path: Path, size: int, written: int) -> Mapping[str, float]:
    """Return the means of a file; one that has not changed is read once, since a step may have 20 MB of responses."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        return _means(objects(lines))


def _means(responses: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for response in responses:
        for name, value in flat(response).items():
            sums[name][0] += value
            sums[name][1] += 1
    return {f"{_PREFIX}{name}": total / count for name, (total, count) in sums.items()}


READER = Reader(
    trainer="verl",
    patterns=("*.jsonl",),
    rows=rows,
    names={
        "reward": ("critic/score/mean", "critic/rewards/mean"),
        "length": ("response_length/mean",),
        "cut": ("response_length/clip_ratio",),
        "entropy": ("actor/entropy",),
        "clip": ("actor/pg_clipfrac",),
        "kl": ("rollout_corr/k3_kl", "rollout_corr/kl"),
        "grad_norm": ("actor/grad_norm",),
        "below_noise": ("reward/group/below_noise",),
        "step_seconds": ("timing_s/step", "perf/time_per_step"),
        # Responses are scored one by one while others are written, so only the last of them is waited for.
        "reward_seconds": ("timing_s/agent_loop/slowest/compute_score", "timing_s/reward"),
    },
    prefix=_PREFIX,
    settings=("config.yaml", "overrides.yaml"),
    beside=of_responses,
)
