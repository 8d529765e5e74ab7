"""What verl's trainer lacks in its training log: means of all metrics, and how far apart the rewards of groups are.

verl 0.9.1 and later let a file bring the replay buffer that hands finished groups to the trainer, and log what it
says::

    trainer.v1.sampler.custom_sampler.path=/path/to/this/clone/verl_rewards/vincicoder_sampler.py
    trainer.v1.sampler.custom_sampler.name=VinciCoderReplayBuffer
    +trainer.v1.sampler.sampler_kwargs.least_spread=0.01

The name is ``VinciCoderReplayBufferAsync`` where ``trainer.v1.trainer_mode`` is not ``sync``. Both hand on what verl's
own buffer does, and read what the manager or the function of this directory says of each response. verl's
``algorithm.filter_groups`` works with verl's own buffer only.

Options are ``noise``, what the reward changes by where only the rendering differs (0.005), and ``least_spread``, the
standard deviation that the rewards of a group must have to be learned from (0): the responses of others all get their
mean, so that their advantage is 0. ``gallery_dir`` names the gallery of the reward; its steps are then shown as images
in the trackers that verl logs to, which only this process can reach.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transfer_queue as tq
from tensordict import TensorDict
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer, ReplayBufferAsync

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import trainers
from vincicoder.errors import ConfigError
from vincicoder.reward.presets import DEFAULT_PRESET, PRESETS

_GALLERY = "gallery_dir"
_OPTIONS = {"noise": PRESETS[DEFAULT_PRESET].noise, "least_spread": 0.0}


class VinciCoderReplayBuffer(ReplayBuffer):
    """verl's replay buffer for ``trainer_mode=sync``, which says what the rewards of a batch are like.

    Raises:
        ConfigError: An option is unknown or is no number from 0 to 1; when sampling, another reward is at work.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._watch = _Watch(self.sampler_kwargs)

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        """Return verl's batch, and its metrics with ours."""
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        return batch, metrics | self._watch.look(batch, global_steps)


class VinciCoderReplayBufferAsync(VinciCoderReplayBuffer, ReplayBufferAsync):
    """The same for the asynchronous trainer modes."""


class _Watch:
    """Look at the rewards of a batch in verl's store, and level groups that noise alone sets apart."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        where = "trainer.v1.sampler.sampler_kwargs"
        options, known = dict(options), (*_OPTIONS, _GALLERY)
        if unknown := sorted(set(options) - set(known)):
            raise ConfigError(f"{where} has the unknown option {unknown[0]!r}; expected {', '.join(known)}")
        directory = options.pop(_GALLERY, None)
        self._gallery = None if directory is None else trainers.GalleryWatch(str(directory))
        values = {name: trainers.share_of(f"{where}.{name}", each) for name, each in {**_OPTIONS, **options}.items()}
        self._noise, self._least_spread = values["noise"], values["least_spread"]

    def look(self, batch: Any, step: int) -> dict[str, float]:
        """Return the metrics of a training batch, by name; none of a validation."""
        if batch.partition_id != "train":
            return {}
        if self._gallery is not None:
            self._gallery.look(step)
        keys = _last_outputs(batch.keys)
        fields = ["rm_scores", "extra_fields", "data_source"]
        data = tq.kv_batch_get(keys=keys, partition_id=batch.partition_id, select_fields=fields)
        rewards = [float(each.sum()) for each in data["rm_scores"]]
        samples = [_metrics(each) for each in data["extra_fields"]]
        if samples and trainers.FIRST in samples[0]:
            sabotaged = trainers.sabotage([_prompt(key) for key in keys], samples, self._noise)
            samples = [{**sample, trainers.SABOTAGE: each} for sample, each in zip(samples, sabotaged, strict=True)]
        members = [
            trainers.Member(_prompt(key), _domain(source), reward if trainers.is_judged(sample) else None)
            for key, source, reward, sample in zip(keys, data["data_source"], rewards, samples, strict=True)
        ]
        sums = trainers.sums_of(samples)
        sums.update(trainers.sums_of_groups(members, self._noise))
        sums.update(trainers.sums_of_batch(members, samples))
        self._level(batch, members, rewards)
        return {f"vincicoder/{name}": mean for name, mean in trainers.means(sums).items()}

    def _level(self, batch: Any, members: Sequence[trainers.Member], rewards: Sequence[float]) -> None:
        """Give the responses of groups that are too close one reward, in verl's store."""
        means = {
            member.group: after
            for member, before, after in zip(
                members, rewards, trainers.levelled(rewards, members, self._least_spread), strict=True
            )
            if after != before and after is not None
        }
        keys = [key for key in batch.keys if _prompt(key) in means]
        if not keys:
            return
        data = tq.kv_batch_get(keys=keys, partition_id=batch.partition_id, select_fields=["rm_scores"])
        scores = []
        for key, before in zip(keys, data["rm_scores"], strict=True):
            after = torch.zeros_like(before)
            after[-1] = means[_prompt(key)]
            scores.append(after)
        field = torch.nested.as_nested_tensor(scores, layout=torch.jagged)
        written = TensorDict({"rm_scores": field}, batch_size=len(keys))
        tq.kv_batch_put(keys=keys, partition_id=batch.partition_id, fields=written)


def _last_outputs(keys: Sequence[str]) -> list[str]:
    """Return the key of each response's last output, of ``{prompt}_{response}_{output}``."""
    last: dict[str, str] = {}
    for key in keys:
        response, _, output = key.rpartition("_")
        if response not in last or int(output) > int(last[response].rpartition("_")[2]):
            last[response] = key
    return list(last.values())


def _prompt(key: str) -> str:
    return key.split("_")[0]


def _domain(data_source: Any) -> str:
    return trainers.domain_of({"data_source": _plain(data_source)})


def _metrics(extra_fields: Any) -> trainers.Metrics:
    """Return what the manager said of a response."""
    info = _plain(extra_fields).get("reward_extra_info", {})
    if not trainers.FLAGS.keys() <= info.keys():
        raise ConfigError(
            "these samples have no metrics of VinciCoder's reward; set reward.reward_manager.name=vincicoder"
        )
    return {name: float(value) for name, value in info.items() if isinstance(value, (int, float)) and name != "score"}


def _plain(value: Any) -> Any:
    """Return what verl's store wraps."""
    return getattr(value, "data", value)
