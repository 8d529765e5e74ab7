"""The VinciCoder reward for EasyR1: ``worker.reward.reward_function=.../vincicoder_easyr1.py:compute_score``.

EasyR1 executes this file inside its reward actor and calls :func:`compute_score` with a whole batch. The
target, the language and the prompt come from whichever of these has them, in this order:

1. The answer column (``data.answer_key``), when it is a struct or JSON text with ``target``, ``language``,
   ``code``.
2. What the manager passes beside the answer: VinciCoder's fork passes ``multi_modal_data`` and ``problem``.
3. The batch itself. Stock EasyR1 passes on nothing but the answer, although the batch has the pictures,
   every other column and the tokens of the prompt. So that data sets with ``problem``, ``answer`` and
   ``images`` work unchanged, this file wraps one method of EasyR1's manager, and only to note which batch
   it is working on. It says so when it does. The option ``read_batch=false`` ignores what was noted; a
   manager of another shape is left alone.

Options come from ``worker.reward.reward_function_kwargs``: ``image_dir``, ``read_batch`` and every option of
``vincicoder.VisualReward``. Each EasyR1 job has two reward actors, for training and for validation, and so
two rewards.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import hosts

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

REWARD_NAME = "vincicoder"
REWARD_TYPE = "batch"

_HOW = (
    "Under EasyR1 give the picture in the data.image_key column, or as 'target' in data.answer_key's column "
    '(a struct, or JSON text such as {"target": "chart.png", "language": "python"}); relative paths need '
    "worker.reward.reward_function_kwargs.image_dir."
)


def compute_score(
    reward_inputs: Sequence[Mapping[str, Any]],
    *,
    image_dir: str | None = None,
    read_batch: bool = True,
    **options: Any,
) -> list[dict[str, float]]:
    """Score a batch of responses.

    Args:
        reward_inputs: One mapping per sample with ``response`` and ``ground_truth``, and perhaps
            ``multi_modal_data`` and ``problem``.
        image_dir: Folder that relative paths of targets start from.
        read_batch: Whether the batch's own columns count where ``reward_inputs`` lacks something.
        options: Options of ``vincicoder.VisualReward``.

    Returns:
        One dict per sample, in order, always with the same keys, those of ``vincicoder.hosts.metrics_of``:
        among them ``overall``, ``format``, ``accuracy`` and ``execution`` as in the public VinciCoder
        release. EasyR1 trains on ``overall`` and logs the mean of each as ``reward/<key>``.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        TargetError: No row has a target that can be read.
        RendererUnavailable: This machine, not the model, failed too often; see
            ``vincicoder.hosts.HostReward``.
    """
    reward = hosts.shared_reward(options, _HOW, own=("image_dir", "read_batch"))
    batch = _batch.get() if read_batch else None
    rows = batch.rows(len(reward_inputs)) if batch else [{}] * len(reward_inputs)
    requests = []
    for index, (given, row) in enumerate(zip(reward_inputs, rows, strict=True)):
        sources = (hosts.answer_fields(given.get("ground_truth")), given, row)
        request = hosts.request_from(given["response"], sources, image_dir=image_dir)
        requests.append(batch.with_prompt(request, index) if batch else request)
    return reward.score(requests)


class _Batch:
    """The batch that EasyR1's manager is working on."""

    def __init__(self, data: Any, tokenizer: Any) -> None:
        self._data = data
        self._tokenizer = tokenizer

    def rows(self, count: int) -> list[dict[str, Any]]:
        """Return the columns that are no tensors, one mapping per sample; nothing if they are not in step."""
        columns = self._data.non_tensor_batch
        if any(len(values) != count for values in columns.values()):
            return [{}] * count
        return [{name: values[index] for name, values in columns.items()} for index in range(count)]

    def with_prompt(self, request: RewardRequest, index: int) -> RewardRequest:
        """Add the prompt, from its tokens, to a request that does not know its language otherwise."""
        if request.language or request.prompt or "prompts" not in self._data.batch.keys():  # noqa: SIM118
            return request
        tokens = self._data.batch["prompts"][index]
        tokens = tokens[tokens != self._tokenizer.pad_token_id]
        return dataclasses.replace(request, prompt=self._tokenizer.decode(tokens, skip_special_tokens=True))


_batch: ContextVar[_Batch | None] = ContextVar("batch", default=None)


def _note_batches() -> None:
    # Ray calls the manager's public methods by references taken before this file runs, so the method to
    # wrap is the one that the manager itself looks up on every call.
    manager = getattr(sys.modules.get("verl.workers.reward.function"), "AutoRewardManager", None)
    compute = getattr(manager, "compute_reward_batch", None)
    if manager is None or compute is None:
        return

    @functools.wraps(compute)
    def compute_reward_batch(self: Any, data: Any, *args: Any, **options: Any) -> Any:
        token = _batch.set(_Batch(data, self.tokenizer))
        try:
            return compute(self, data, *args, **options)
        finally:
            _batch.reset(token)

    manager.compute_reward_batch = compute_reward_batch
    # EasyR1 reports the reward function with print at this moment too; its actors show no log of level INFO.
    print("VinciCoder wrapped AutoRewardManager.compute_reward_batch to find pictures and prompts.")


_note_batches()
