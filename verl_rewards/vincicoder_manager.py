"""The reward manager ``vincicoder`` for verl 0.9 and later: ``reward.reward_manager.name=vincicoder`` is all it takes.

Where this package is installed, verl finds the manager in every process of a job, through the entry-point group
``verl.plugins``. Where it is only cloned, name the file::

    reward.reward_manager.source=importlib reward.reward_manager.name=VinciCoderRewardManager
    reward.reward_manager.module.path=verl_rewards/vincicoder_manager.py

Unlike a reward function, a manager sees the prompt with its images, so data sets need no copy of the target. It is
taken from ``extra_info`` (``target``), else from ``reward_model.ground_truth`` (a struct or JSON text with ``target``),
else it is the first image of the prompt. The language comes from the same places, else from the prompt's words, else
from the fence of the reference.

A function that ``reward.custom_reward_function`` names is called too, as verl's own managers call it, with this
reward's metrics as ``extra_info["vincicoder"]``. Its score is then the reward; the metrics are logged beside its own::

    def compute_score(data_source, solution_str, ground_truth, extra_info):
        return 0.9 * extra_info["vincicoder"]["overall"] + 0.1 * (len(solution_str) < 4000)

Options come from ``+reward.reward_kwargs.NAME=VALUE``: ``image_dir``, ``benchmarks``, ``batch_size``, ``window_ms``,
``truncated``, ``soft_tokens``, ``rank``, every option of ``vincicoder.VisualReward`` and those of
``vincicoder.cluster.Placement``.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from verl import DataProto
from verl.experimental.agent_loop.tool_parser import ToolParser
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase
from verl.experimental.reward_loop.reward_manager.registry import REWARD_MANAGER, register

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import trainers
from vincicoder.errors import ConfigError

_TARGET_HINT = (
    "Under verl give the image in the data.image_key column, as extra_info['target'], or as 'target' in "
    "reward_model.ground_truth (a struct, or JSON text); relative paths need +reward.reward_kwargs.image_dir."
)


class VinciCoderRewardManager(RewardManagerBase):
    """Score one sample at a time, as verl asks; those that wait together are scored together.

    Args:
        config: verl's configuration.
        tokenizer: Decodes responses.
        compute_score: The user's function, if ``reward.custom_reward_function`` names one.
        kwargs: What verl hands to a user's function beside the sample, when a reward model runs too.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.

    Example:
        ``python -m verl.trainer.main_ppo reward.reward_manager.name=vincicoder +reward.reward_kwargs.encoder=embedded``
    """

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **kwargs: Any) -> None:
        super().__init__(config, tokenizer, compute_score)
        options: dict[str, Any] = {"max_response": int(config.data.max_response_length)}
        options |= config.reward.get("reward_kwargs") or {}
        rollout = config.actor_rollout_ref.rollout
        multi_turn = rollout.get("multi_turn") or {}
        turns = int(multi_turn.get("max_assistant_turns") or 1) if multi_turn.get("enable") else 1
        rank = options.pop("rank", None)
        self._ranks = None if rank is None else self._group_ranks(rank, options, int(rollout.n), turns)
        self._calls = ToolParser.get_tool_parser(multi_turn["format"], tokenizer) if turns > 1 else None
        if turns > 1 and options.get("prefixes"):
            raise ConfigError(
                "reward_kwargs.prefixes is set, but nothing learns from prefixes in episodes of several turns; leave "
                "out prefixes, or actor_rollout_ref.rollout.multi_turn"
            )
        options |= {"group_size": int(rollout.n), "turns": turns, "takes_prefixes": True}
        self._score = trainers.sample_scorer(_TARGET_HINT, **options)
        # Without a path verl passes a function of its own, which knows nothing of images.
        self._custom: Callable[..., Any] | None = compute_score if config.reward.custom_reward_function.path else None
        self._custom_kwargs = kwargs if kwargs.get("reward_router_address") is not None else {}

    async def run_single(self, data: DataProto) -> dict[str, Any]:
        """Return the ``reward_score`` of the last sample and, as ``reward_extra_info``, all of its metrics."""
        item = data[-1]
        columns = item.non_tensor_batch
        messages = list(columns.get("raw_prompt", ()))
        extra_info = columns.get("extra_info") or {}
        ground_truth = (columns.get("reward_model") or {}).get("ground_truth")
        sources = (
            extra_info,
            trainers.answer_fields(ground_truth),
            {"image": trainers.image_in(messages), "prompt": trainers.text_of(messages)},
            columns,
        )
        tokens = self._tokens(item)
        said = columns.get("tool_extra_fields") or {}
        *earlier, response = await self._answers(tokens, said.get(trainers.TURNS) or [])
        # Whose weights wrote the response, where the rollout says it: for galleries.
        step = said.get("max_global_steps")
        known = {trainers.LENGTH: len(tokens)} | ({"global_step": int(step)} if step is not None else {})
        kept: list[Any] = []
        metrics = await self._score(response, (known, *sources), earlier, kept)
        if trainers.PREFIXES in metrics:
            metrics[trainers.PREFIXES] = await self.loop.run_in_executor(
                None, trainers.in_tokens, metrics[trainers.PREFIXES], response, tokens.tolist(), self.tokenizer
            )
        if self._ranks is not None:
            metrics = await self._ranks.ranked(str(columns["uid"]), metrics, *kept[0])
        if self._custom is None:
            return {"reward_score": metrics["overall"], "reward_extra_info": {"score": metrics["overall"], **metrics}}
        result = await self._call(self._custom, columns, response, {**extra_info, "vincicoder": metrics})
        extra = result if isinstance(result, dict) else {"score": result}
        return {"reward_score": extra["score"], "reward_extra_info": {**metrics, **extra}}

    def _group_ranks(self, rank: Any, options: dict[str, Any], size: int, turns: int) -> Any:
        if turns > 1:
            raise ConfigError("rank cannot be used where episodes have turns; remove reward.reward_kwargs.rank")
        from verl_rewards.vincicoder_ranking import GroupRanks  # needs verl's own store

        options["keep_renders"] = "all"  # in place: the scorer is built with it
        return GroupRanks(dict(rank), size, options.get("truncated", trainers.ZERO))

    async def _call(self, custom: Callable[..., Any], columns: Any, response: str, extra_info: dict[str, Any]) -> Any:
        """Call the user's function as verl's own managers do."""
        extra_info.update(columns.get("tool_extra_fields") or {})
        extra_info["num_turns"] = columns.get("__num_turns__")
        extra_info["rollout_reward_scores"] = columns.get("reward_scores", {})
        call = functools.partial(
            custom,
            data_source=columns["data_source"],
            solution_str=response,
            ground_truth=columns["reward_model"]["ground_truth"],
            extra_info=extra_info,
            **self._custom_kwargs,
        )
        if inspect.iscoroutinefunction(custom):
            return await call()
        return await self.loop.run_in_executor(None, call)

    async def _answers(self, tokens: Any, rendered: list[dict[str, Any]]) -> list[str]:
        """Return what each turn of an episode answers: what `RenderTool` has rendered, and what came after it."""
        if rendered and self._calls is None:
            raise ConfigError(
                "the tool render was called, but actor_rollout_ref.rollout.multi_turn says nothing of its turns; "
                "set enable=true and max_assistant_turns, such as 2"
            )
        answers = [each["answer"] for each in rendered]
        # What follows a call begins with what the tool has answered, which has no code.
        rest = tokens[rendered[-1]["end"] :] if rendered else tokens
        if rendered and not len(rest):
            return answers
        last = await self.loop.run_in_executor(None, self._text, rest)
        if self._calls is not None:  # a call in the last turn was not made any more
            _, calls = await self._calls.extract_tool_calls(rest.tolist(), [])
            last = next((each for call in calls if (each := trainers.answer_of_call(call.name, call.arguments))), last)
        return [*answers, last]

    def _tokens(self, item: Any) -> Any:
        tokens = item.batch["responses"]
        return tokens[: item.batch["attention_mask"][-len(tokens) :].sum()]

    def _text(self, tokens: Any) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return text


if importlib.util.find_spec("verl_rewards") is not None:
    importlib.import_module("verl_rewards.vincicoder_credit")  # registers the advantage estimator

if "vincicoder" not in REWARD_MANAGER:  # it is when this file is named though the package is installed as well
    register("vincicoder")(VinciCoderRewardManager)
