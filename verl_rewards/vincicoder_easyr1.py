"""The VinciCoder reward for EasyR1: ``worker.reward.reward_function=.../vincicoder_easyr1.py:compute_score``.

EasyR1 executes this file inside its reward actor and calls :func:`compute_score` with a whole batch. The
target, the language and the prompt come from whichever of these has them, in this order:

1. The answer column (``data.answer_key``), when it is a struct or JSON text with ``target``, ``language``,
   ``code``.
2. What the manager passes beside the answer: VinciCoder's fork passes ``multi_modal_data`` and ``problem``.
3. The batch itself. Stock EasyR1 passes on nothing but the answer, although the batch has the pictures,
   every other column and the tokens of the prompt. So that data sets with ``problem``, ``answer`` and
   ``images`` work unchanged, :func:`compute_score` reads the variables ``self`` and ``data`` of the method
   that calls it, as EasyR1's ``AutoRewardManager`` names them. Nothing of EasyR1 is changed, and a manager
   that names them otherwise is left alone. ``read_batch=false`` forbids it.

Options come from ``worker.reward.reward_function_kwargs``: ``image_dir``, ``read_batch`` and every option of
``vincicoder.VisualReward``. Each EasyR1 job has two reward actors, for training and for validation, and so
two rewards.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import trainers

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
        read_batch: Whether to look into EasyR1's batch for what ``reward_inputs`` lacks.
        options: Options of ``vincicoder.VisualReward``.

    Returns:
        One dict per sample, in order, always with the same keys, those of ``vincicoder.trainers.metrics_of``:
        among them ``overall``, ``format``, ``accuracy`` and ``execution`` as in the public VinciCoder
        release. EasyR1 trains on ``overall`` and logs the mean of each as ``reward/<key>``.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        TargetError: No row has a target that can be read.
        RendererUnavailable: This machine, not the model, failed too often; see
            ``vincicoder.trainers.TrainerReward``.
    """
    reward = trainers.shared_reward(options, _HOW, own=("image_dir", "read_batch"))
    batch = _Batch.of(sys._getframe(1).f_locals) if read_batch else None
    rows = batch.rows(len(reward_inputs)) if batch else [{}] * len(reward_inputs)
    requests = []
    for index, (given, row) in enumerate(zip(reward_inputs, rows, strict=True)):
        sources = (trainers.answer_fields(given.get("ground_truth")), given, row)
        request = trainers.request_from(given["response"], sources, image_dir=image_dir)
        requests.append(batch.with_prompt(request, index) if batch else request)
    return reward.score(requests)


class _Batch:
    """The batch that EasyR1's manager is working on, a ``DataProto``."""

    def __init__(self, data: Any, tokenizer: Any) -> None:
        self._data = data
        self._tokenizer = tokenizer

    @classmethod
    def of(cls, names: Mapping[str, Any]) -> _Batch | None:
        """Return the batch among the variables of the manager's method, if that is what they are."""
        data, tokenizer = names.get("data"), getattr(names.get("self"), "tokenizer", None)
        if tokenizer is None or not hasattr(data, "batch") or not hasattr(data, "non_tensor_batch"):
            return None
        return cls(data, tokenizer)

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
