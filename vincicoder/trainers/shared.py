"""One reward per process and options, and where it scores: in this process, on the node, or in the Ray job."""

from __future__ import annotations

import atexit
import functools
import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError
from vincicoder.reward.combine import changes_over_steps, weights_of
from vincicoder.reward.presets import PRESETS
from vincicoder.trainers.gallery import GALLERY_OPTIONS, gallery_of
from vincicoder.trainers.groups import Board, Groups
from vincicoder.trainers.reward import TrainerReward
from vincicoder.trainers.truncation import NO_RULE, Truncation
from vincicoder.trainers.validation import Validation

if TYPE_CHECKING:
    from vincicoder.reward import Scorer
    from vincicoder.reward.config import RewardConfig

_NO_STEP = (
    "components has a weight that changes over steps, but this trainer does not tell a reward its step; TRL and "
    "ms-swift do. Give a number here, and change it when you resume."
)
_NO_PREFIXES = (
    "prefixes is set, but nothing here learns from what prefixes score: verl does with our reward manager, TRL with "
    "vincicoder.trainers.process_credit. Leave it out."
)
_shared: dict[str, TrainerReward] = {}
_shared_lock = threading.Lock()


def shared_reward(
    options: Mapping[str, Any],
    target_hint: str,
    own: Sequence[str] = (),
    one_by_one: bool = False,
    per_node: bool = False,
    whole_groups: bool = False,
    group_size: int | None = None,
    benchmarks: Sequence[str] = (),
    validation_dir: str | None = None,
    truncation: Truncation = NO_RULE,
    says_step: bool = False,
    takes_prefixes: bool = False,
) -> TrainerReward:
    """Return this process's `TrainerReward` with these options; equal arguments get the same one.

    In a Ray job this is the job's service, see ``vincicoder.cluster``, unless the option ``cluster`` is False; its
    options are then known too. It is closed when the process ends.

    Args:
        options: Options of ``VisualReward`` and ``cluster``, perhaps as nodes of the trainer's configuration.
        target_hint: See `TrainerReward`.
        own: Names of the options that the adapter keeps for itself, for the error message.
        one_by_one: See `TrainerReward`.
        per_node: Whether, outside of Ray, the processes of one job on this machine share workers and encoder.
        whole_groups: Whether a batch always holds whole groups, so that other processes have no siblings.
        group_size: See `TrainerReward`.
        benchmarks: Names of benchmarks whose samples are measured by the benchmark's metrics as well.
        validation_dir: Where responses to these samples are kept, or None.
        truncation: See `TrainerReward`.
        says_step: Whether the trainer says its step, which weights that change over steps need.
        takes_prefixes: Whether the adapter hands on what prefixes score.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work, or there is no such benchmark.

    Example:
        >>> reward = shared_reward({"encoder": "embedded"}, "Give it as 'target'.")
        >>> reward is shared_reward({"encoder": "embedded"}, "Give it as 'target'.")
        True
    """
    plain = {name: _plain(value) for name, value in options.items()}
    cluster = plain.pop("cluster", None)
    cluster = _in_ray_job() if cluster is None else cluster
    given = dict(plain)
    shown = {name: plain.pop(name) for name in GALLERY_OPTIONS if name in plain}
    adapter = [one_by_one, cluster, per_node, whole_groups, group_size, list(benchmarks), validation_dir, truncation]
    key = json.dumps([given, target_hint, *adapter], sort_keys=True, default=repr)
    with _shared_lock:
        if key not in _shared:
            config = _config(plain, (*own, *GALLERY_OPTIONS), cluster)
            _check_what_trainers_know(config, says_step, takes_prefixes)
            components = tuple(weights_of(config.scoring))
            validation = Validation(benchmarks, config.rendering, validation_dir) if benchmarks else None
            build, board = _parts(plain, cluster, per_node, whole_groups)
            parts = build, target_hint, one_by_one, components, board, group_size
            rest = PRESETS[config.scoring.preset].noise, truncation, gallery_of(shown), config.scoring.prefixes > 0
            _shared[key] = TrainerReward(*parts, validation, *rest)
            _at_exit(_shared[key].close)
        return _shared[key]


def _at_exit(close: Callable[[], None]) -> None:
    """Have something called at the end of this process, while pools of threads still take work.

    A gallery renders its last rows then. Such pools end before `atexit` begins; what they go by is no public part of
    the standard library.
    """
    register: Callable[[Callable[[], None]], Any] = getattr(threading, "_register_atexit", atexit.register)
    register(close)


def _check_what_trainers_know(config: RewardConfig, says_step: bool, takes_prefixes: bool) -> None:
    if changes_over_steps(config.scoring) and not says_step:
        raise ConfigError(_NO_STEP)
    if config.scoring.prefixes and not takes_prefixes:
        raise ConfigError(_NO_PREFIXES)


def reward_config(options: Mapping[str, Any]) -> RewardConfig:
    """Return what options say of the reward itself, whatever else they say to an adapter.

    Args:
        options: Options by name, checked already.

    Example:
        >>> reward_config({"encoder": "embedded", "image_dir": "/data"}).encoder.name
        'embedded'
    """
    from vincicoder.options import from_flat, option_names
    from vincicoder.reward.config import RewardConfig

    known = option_names(RewardConfig)
    return from_flat(RewardConfig, {name: _plain(value) for name, value in options.items() if name in known})


def _in_ray_job() -> bool:
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized()


def _config(options: Mapping[str, Any], own: Sequence[str], cluster: bool) -> RewardConfig:
    """Return what the options say of the reward, having checked all of them."""
    from vincicoder.options import from_flat

    also = [*own, "cluster"]
    if cluster:
        from vincicoder.cluster.options import ClusterConfig

        return from_flat(ClusterConfig, options, also).reward
    from vincicoder.reward.config import RewardConfig

    return from_flat(RewardConfig, options, also)


def _parts(
    options: Mapping[str, Any], cluster: bool, per_node: bool, whole_groups: bool
) -> tuple[Callable[[], Scorer], Callable[[], Board]]:
    """Return what makes the scorer, and what makes the table in which the scores of a group meet."""
    board: Callable[[], Board] = Groups
    if _in_ray_job() and not whole_groups:
        from vincicoder.cluster.groups import JobGroups

        board = functools.partial(JobGroups, Groups)
    if cluster:
        return functools.partial(_cluster_reward, options), board
    if per_node:
        from vincicoder.trainers.node import NodeReward

        node = NodeReward(options)
        return lambda: node, lambda: node
    from vincicoder.reward import VisualReward

    return functools.partial(VisualReward.from_options, options), board


def _cluster_reward(options: Mapping[str, Any]) -> Scorer:
    from vincicoder.cluster import ClusterReward  # imports Ray, which whoever only checks options can do without

    return ClusterReward(options)


def _plain(value: Any) -> Any:
    """Turn a node of a trainer's configuration (OmegaConf's, say) into plain values."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return tuple(_plain(each) for each in value)
    return value
