"""What a training job asks of its options and its machines, checked before it starts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vincicoder.cli.examination import Check, State
from vincicoder.errors import ConfigError
from vincicoder.planning.storage import RENDER_BYTES
from vincicoder.reward.combine import options_of
from vincicoder.reward.components import load_component
from vincicoder.reward.config import RewardConfig

_PREFIXES = {
    "easyr1": "worker.reward.reward_function_kwargs.",
    "verl": "reward.reward_kwargs.",
    "swift": "",
    "trl": "",
}
"""What the names of the reward's options begin with in each trainer's settings."""


def parsed_options(texts: Sequence[str], trainer: str) -> dict[str, Any]:
    """Return the options of settings such as ``encoder=embedded`` or ``components.text=0.2``.

    Args:
        texts: The settings, with the trainer's own prefix or without.
        trainer: Name of the trainer.

    Raises:
        ConfigError: One of them is no ``NAME=VALUE``.

    Example:
        >>> parsed_options(["workers=8", "components.text=0.2"], "trl")
        {'workers': 8, 'components': {'text': 0.2}}
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.lstrip("+").removeprefix(_PREFIXES[trainer]).partition("=")
        if not equals or not name:
            raise ConfigError(f"{text!r} is no option; expected NAME=VALUE, such as encoder=embedded")
        *path, last = name.split(".")
        inside = options
        for each in path:
            inside = inside.setdefault(each, {})
        try:
            inside[last] = json.loads(value)
        except ValueError:
            inside[last] = value
    return options


def checked_options(trainer: str, options: Mapping[str, Any]) -> RewardConfig:
    """Return what the trainer's adapter makes of options, having it check all of them.

    Args:
        trainer: Name of the trainer.
        options: Its options, those of the adapter among them.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
    """
    from vincicoder.trainers import CompletionReward, sample_scorer
    from vincicoder.trainers.shared import reward_config

    # In the job's own processes Ray runs, so that options of the cluster are known there.
    cluster = {"cluster": True} if trainer in ("easyr1", "verl") and find_spec("ray") is not None else {}
    given = {**cluster, **options}
    if trainer == "easyr1":
        from verl_rewards import vincicoder_easyr1

        config = vincicoder_easyr1.checked_options(given)
    else:
        if trainer == "verl":
            sample_scorer("", **given)
        else:
            CompletionReward(**given)
        config = reward_config(given)
    for name, own in options_of(config.scoring).items():
        load_component(name, own)
    return config


def memory(config: RewardConfig) -> Check:
    """Return a check of whether this node's memory suffices for so many workers.

    Args:
        config: The reward's options.
    """
    workers, limit = config.rendering.workers or os.cpu_count() or 1, config.rendering.limits.memory_mb
    room, needed = _available(), int(workers * RENDER_BYTES)
    worst = workers * limit * 1024 * 1024
    said = f"{workers} workers need about {_gib(needed)}, and {_gib(worst)} if all reach memory_mb={limit}"
    if room < needed:
        fits = max(1, int(room / RENDER_BYTES))
        detail = f"{said}; free are {_gib(room)}"
        return Check("memory", State.MISSING, detail, f"set the option workers={fits}, or use a larger node", True)
    return Check("memory", State.OK, f"{said}; free are {_gib(room)}", required=True)


def machines(trainer: str, nodes: int, gpus: int, reward_cpus: int) -> list[Check]:
    """Return checks of whether the job's nodes have the GPUs and CPUs that it will ask for.

    Args:
        trainer: Name of the trainer.
        nodes: Nodes of the job.
        gpus: GPUs of each.
        reward_cpus: CPUs of each of EasyR1's two reward actors.
    """
    on_ray = trainer in ("easyr1", "verl")
    found = _ray_nodes() if on_ray else None
    if found is None and on_ray and nodes > 1:
        fix = "run `ray start --head` here and `ray start --address=HEAD:6379` on every other node"
        return [Check("gpus", State.MISSING, f"NNODES={nodes}, but no Ray cluster answers", fix, True)]
    # Without Ray only this node can be looked at; each of the others checks itself.
    there, wanted = (found, nodes) if found is not None else ([_this_node()], 1)
    counts = ", ".join(str(int(node["GPU"])) for node in there)
    if sum(node["GPU"] >= gpus for node in there) < wanted:
        detail = f"{nodes} node(s) with {gpus} GPUs each were asked for, the GPUs here are: {counts}"
        fix = "set NNODES and GPUS_PER_NODE (--nodes and --gpus) to what is there"
        return [Check("gpus", State.MISSING, detail, fix, True)]
    checks = [Check("gpus", State.OK, f"{gpus} on each of {wanted} node(s); found: {counts}", required=True)]
    return [*checks, _reward_actors(there, gpus, reward_cpus)] if trainer == "easyr1" else checks


def has_gpu() -> bool:
    """Whether this node has a GPU that torch can use."""
    return int(_this_node()["GPU"]) > 0


def _reward_actors(nodes: Sequence[Mapping[str, Any]], gpus: int, reward_cpus: int) -> Check:
    """Return a check of whether EasyR1 finds CPUs for its two reward actors, for which it would wait for ever."""
    # The trainer takes a CPU for each GPU and one for itself.
    room = sum(int(node["CPU"] - min(gpus, node["GPU"]) - 1) // reward_cpus for node in nodes)
    if room < 2:
        detail = (
            f"EasyR1 starts two reward actors of REWARD_CPUS={reward_cpus} and would wait for ever for them, since "
            f"the CPUs here suffice for {max(room, 0)}"
        )
        return Check("cpus", State.MISSING, detail, "lower REWARD_CPUS", True)
    return Check("cpus", State.OK, f"there is room for both reward actors of {reward_cpus} CPUs", required=True)


def _ray_nodes() -> list[dict[str, float]] | None:
    """Return GPUs and CPUs of each node of the Ray cluster that the job would join; None if there is none."""
    if find_spec("ray") is None:
        return None
    from vincicoder.cluster.nodes import node_resources

    return node_resources()


def _this_node() -> dict[str, Any]:
    count = 0
    if find_spec("torch") is not None:
        import torch

        count = torch.cuda.device_count()
    return {"GPU": count, "CPU": os.cpu_count() or 1}


def _available() -> int:
    """Return the memory in bytes that this process may still take: of the machine, and of its container."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("utf-8").strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text("utf-8"))
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - used))


def _gib(size: float) -> str:
    return f"{size / 1024**3:.1f} GiB"
