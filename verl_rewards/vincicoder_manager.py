"""The reward manager ``vincicoder`` for verl 0.9 and later: ``reward.reward_manager.name=vincicoder`` is all it takes.

Where this package is installed, verl finds the manager in every process of a job, through the entry-point group
``verl.plugins``. Where it is only cloned, name the file::

    reward.reward_manager.source=importlib reward.reward_manager.name=VinciCoderRewardManager
    reward.reward_manager.module.path=verl_rewards/vincicoder_manager.py

Unlike a reward function, a manager sees the prompt with its pictures, so data sets need no copy of the target. It is
taken from ``extra_info`` (``target``), else from ``reward_model.ground_truth`` (a struct or JSON text with ``target``),
else it is the first picture of the prompt. The language comes from the same places, else from the prompt's words.

Options come from ``+reward.reward_kwargs.NAME=VALUE``: ``image_dir``, ``batch_size``, ``window_ms``, every option
of ``vincicoder.VisualReward`` and those of ``vincicoder.cluster.Placement``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from verl import DataProto
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase
from verl.experimental.reward_loop.reward_manager.registry import REWARD_MANAGER, register

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import trainers

_HOW = (
    "Under verl give the picture in the data.image_key column, as extra_info['target'], or as 'target' in "
    "reward_model.ground_truth (a struct, or JSON text); relative paths need +reward.reward_kwargs.image_dir."
)


class VinciCoderRewardManager(RewardManagerBase):
    """Scores one sample at a time, as verl asks; those that wait together are scored together."""

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **kwargs: Any) -> None:
        super().__init__(config, tokenizer, compute_score)
        self._options = dict(config.reward.get("reward_kwargs") or {})

    async def run_single(self, data: DataProto) -> dict[str, Any]:
        """Return the ``reward_score`` of the last sample and, as ``reward_extra_info``, all of its metrics."""
        item = data[-1]
        columns = item.non_tensor_batch
        messages = list(columns.get("raw_prompt", ()))
        sources = (
            columns.get("extra_info") or {},
            trainers.answer_fields((columns.get("reward_model") or {}).get("ground_truth")),
            {"image": trainers.picture_in(messages), "prompt": trainers.text_of(messages)},
        )
        response = await self.loop.run_in_executor(None, self._response, item)
        metrics = await trainers.score_sample(response, sources, _HOW, **self._options)
        return {"reward_score": metrics["overall"], "reward_extra_info": {"score": metrics["overall"], **metrics}}

    def _response(self, item: Any) -> str:
        tokens = item.batch["responses"]
        length = item.batch["attention_mask"][-len(tokens) :].sum()
        text: str = self.tokenizer.decode(tokens[:length], skip_special_tokens=True)
        return text


if "vincicoder" not in REWARD_MANAGER:  # it is when this file is named though the package is installed as well
    register("vincicoder")(VinciCoderRewardManager)
