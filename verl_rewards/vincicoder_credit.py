"""The advantage estimator ``vincicoder_process`` for verl 0.9 and later: GRPO's advantage plus process credit.

It needs our reward manager, with prefixes::

    reward.reward_manager.name=vincicoder +reward.reward_kwargs.prefixes=20
    algorithm.adv_estimator=vincicoder_process +algorithm.process_weight=10 +algorithm.process_discount=0.9

``vincicoder.trainers.credit`` has the formula. Where this package is installed, verl registers the estimator in every
process of a job, through the entry-point group ``verl.plugins``; else name this file's module in
``VERL_USE_EXTERNAL_MODULES``.

verl 0.9.1 hands an estimator rewards, mask, groups and the configuration, and nothing that the reward manager said of a
sample. So this one looks for the batch where verl calls it from: in ``_compute_advantage`` of the V1 trainer, whose
batch names the samples in verl's store; else in ``compute_advantage``, whose batch holds what the manager said.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from verl.trainer.ppo import core_algos

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder.errors import ConfigError
from vincicoder.trainers.credit import NO_PREFIXES, PREFIXES, Credit

NAME = "vincicoder_process"

_NO_BATCH = (
    f"algorithm.adv_estimator={NAME} found no batch where it was called from, so it cannot know what prefixes scored. "
    "It knows verl 0.9's trainers, which call it from compute_advantage; elsewhere take algorithm.adv_estimator=grpo"
)
_NO_SCORES = (
    f"algorithm.adv_estimator={NAME} needs prefix scores, and these samples have none; set "
    "reward.reward_manager.name=vincicoder and +reward.reward_kwargs.prefixes=20"
)


@core_algos.register_adv_est(NAME)  # type: ignore[untyped-decorator]
def process_advantage(
    token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: Any, config: Any = None, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return advantages and returns, both of the shape of the mask; with ``process_weight=0`` those of verl's GRPO.

    Args:
        token_level_rewards: Rewards by sample and token.
        response_mask: 1 for the tokens that the policy wrote.
        index: The group of each sample.
        config: verl's ``algorithm``, with ``process_weight`` and ``process_discount``.

    Raises:
        ConfigError: An option has a value that cannot work, or the prefix scores are not to be found.
    """
    credit = Credit.of(config or {})
    caller = _Caller(sys._getframe(1))
    advantages = caller.group_advantages(config)
    if advantages is None:
        by_std = (config or {}).get("norm_adv_by_std_in_grpo", True)
        advantages, _ = core_algos.compute_grpo_outcome_advantage(
            token_level_rewards, response_mask, index, norm_adv_by_std_in_grpo=by_std
        )
    if credit.weight:
        added = credit.advantages(caller.prefix_scores(len(response_mask)), response_mask.shape[1])
        advantages = (
            advantages + torch.as_tensor(added, dtype=advantages.dtype, device=advantages.device) * response_mask
        )
    return advantages, advantages


class _Caller:
    """What verl's functions know that call the estimator."""

    def __init__(self, frame: FrameType | None) -> None:
        self._known: dict[str, Mapping[str, Any]] = {}
        while frame is not None and len(self._known) < 3:
            name = frame.f_code.co_name
            if name in ("compute_advantage", "compute_advantage_for_multi_trajectories", "_compute_advantage"):
                self._known.setdefault(name, frame.f_locals)
            frame = frame.f_back

    def group_advantages(self, config: Any) -> torch.Tensor | None:
        """Return what GRPO gives the batch in the V1 trainer, where responses may have several outputs, or None."""
        known = self._known.get("compute_advantage_for_multi_trajectories")
        if known is None:
            return None
        from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories

        data = compute_advantage_for_multi_trajectories(
            known["data"],
            batch_keys=known["batch_keys"],
            adv_estimator=core_algos.AdvantageEstimator.GRPO,
            norm_adv_by_std_in_grpo=known["norm_adv_by_std_in_grpo"],
            config=config,
        )
        advantages: torch.Tensor = data.batch["advantages"]
        return advantages

    def prefix_scores(self, count: int) -> list[str]:
        """Return the prefix scores of so many samples, in the batch's order."""
        batch = self._known.get("_compute_advantage", {}).get("batch")
        if hasattr(batch, "partition_id"):
            scores = _of_store(batch)
        else:
            data = self._known.get("compute_advantage", {}).get("data")
            if data is None:
                raise ConfigError(_NO_BATCH)
            scores = [str(each) for each in data.non_tensor_batch.get(PREFIXES, ())]
        if len(scores) != count:
            raise ConfigError(_NO_SCORES)
        return scores


def _of_store(batch: Any) -> list[str]:
    """Return the prefix scores that verl's store holds; they are those of each response's last output."""
    import transfer_queue as tq

    data = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields"])
    infos = [getattr(each, "data", each).get("reward_extra_info", {}) for each in data["extra_fields"]]
    if not all(PREFIXES in info for info in infos):
        raise ConfigError(_NO_SCORES)
    last = _last_outputs(batch.keys)
    return [info[PREFIXES] if key in last else NO_PREFIXES for key, info in zip(batch.keys, infos, strict=True)]


def _last_outputs(keys: Sequence[str]) -> set[str]:
    """Return the keys of last outputs, of ``{prompt}_{response}_{output}``."""
    last: dict[str, str] = {}
    for key in keys:
        response, _, output = key.rpartition("_")
        if response not in last or int(output) > int(last[response].rpartition("_")[2]):
            last[response] = key
    return set(last.values())
