"""What a training job asks of its options and its machines, checked before it starts."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vincicoder.cli.examination import Check, State
from vincicoder.errors import ConfigError
from vincicoder.planning.storage import RENDER_BYTES
from vincicoder.rendering.config import RenderingConfig
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

_RENDERS = "same-renders"


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


def same_renders(trainer: str, config: RenderingConfig, languages: Sequence[str], other: str | None) -> Check:
    """Return a check of whether the job's nodes render to the same pixels; a reward must not depend on the node.

    Args:
        trainer: Name of the trainer.
        config: How the job renders.
        languages: Names of those that the data asks for.
        other: The fingerprint of another node; None to ask the nodes of the Ray cluster.
    """
    from vincicoder.rendering import RenderPool
    from vincicoder.rendering.fingerprint import fingerprint

    config = dataclasses.replace(config, workers=1)
    if other is None and trainer in ("easyr1", "verl") and _ray_nodes() is not None:
        from vincicoder.cluster.fingerprints import node_fingerprints

        return compared_renders(node_fingerprints(languages, config))
    with RenderPool.of(config) as pool:
        here = fingerprint(pool, languages)["all"]
    if other is not None:
        return compared_renders({"this node": {"all": here}, "the other": {"all": other}})
    detail = f"fingerprint {here}; another node must have the same, which --fingerprint {here} checks there"
    return Check(_RENDERS, State.OK, detail, required=True)


def compared_renders(nodes: Mapping[str, Mapping[str, str]]) -> Check:
    """Return a check of whether fingerprints are the same.

    Args:
        nodes: The fingerprint of each node, or under ``""`` why it has none.

    Example:
        >>> compared_renders({"a": {"svg": "12", "all": "34"}, "b": {"svg": "13", "all": "35"}}).detail
        'svg is 12 on a, 13 on b'
    """
    silent = "; ".join(f"{name}: {found['']}" for name, found in nodes.items() if "" in found)
    if silent:
        fix = "install the package, and what renders, on every node"
        return Check(_RENDERS, State.MISSING, f"no fingerprint of {silent}", fix, True)
    names = list(dict.fromkeys(name for found in nodes.values() for name in found))
    differ = [name for name in names if len({found.get(name) for found in nodes.values()}) > 1]
    if not differ:
        said = f"fingerprint {next(iter(nodes.values()))['all']} on each of {len(nodes)} nodes"
        return Check(_RENDERS, State.OK, said, required=True)
    detail = "; ".join(
        f"{name} is " + ", ".join(f"{found.get(name) or 'no image'} on {node}" for node, found in nodes.items())
        for name in differ
        if name != "all" or len(differ) == 1
    )
    fix = "give all nodes the same image, or the same fonts, browser, TeX and Python packages (`vincicoder install`)"
    return Check(_RENDERS, State.MISSING, detail, fix, True)


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
