"""The reward for slime: ``--custom-rm-path vincicoder.trainers.slime.reward`` is all it takes.

Unlike slime's remote reward, this function sees the images of the prompt. The target is taken from the sample's
metadata (``target``), else from its label (``target`` in a struct or JSON text), else it is the first image of the
prompt, as slime made it ready for the model. The language comes from the same places, else from the prompt's words,
else from the fence of the reference.

The reward is a number. With ``--reward-key overall`` it is the sample's metrics by name, which slime keeps in its dumps
of rollouts; ``--eval-reward-key`` may then name another of them.

Options come from the environment of slime's Ray job, as in ``VINCICODER_REWARD_ENCODER=facebook/dinov2-large``, or from
the YAML file that ``VINCICODER_REWARD_CONFIG`` names: ``image_dir``, ``batch_size``, ``window_ms``, ``truncated``,
``soft_tokens``, every option of ``vincicoder.VisualReward`` and those of ``vincicoder.cluster.Placement``. In the job
it renders on the CPUs of all nodes.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from typing import Any

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.batching import SampleScorer, sample_scorer
from vincicoder.trainers.environment import reward_options
from vincicoder.trainers.rows import text_of
from vincicoder.trainers.special_tokens import without_end_tokens
from vincicoder.trainers.truncation import LENGTH

_TARGET_HINT = (
    "Under slime give the image by --multimodal-keys, as 'target' in the column of --metadata-key, or as 'target' in "
    "that of --label-key (a struct, or JSON text); relative paths need VINCICODER_REWARD_IMAGE_DIR."
)


async def reward(args: Any, sample: Any, **_: Any) -> Any:
    """Score a sample of slime, or with ``--group-rm`` the samples of a group.

    Args:
        args: slime's arguments; ``reward_key``, ``n_samples_per_prompt`` and ``rollout_max_response_len`` are read.
        sample: A ``slime.utils.types.Sample``, or a list of them.

    Returns:
        ``overall``, in [0, 1], or with a reward key all metrics of ``vincicoder.trainers.metrics_of``. For a list, a
        list in its order. A sample that this machine failed to score gets the mean of its siblings.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work, or no row says its language.
        TargetError: No row so far has a target that can be read.
        ScoringUnavailable: This machine, not the model, failed too often; see ``vincicoder.trainers.TrainerReward``.

    Example:
        ``--custom-rm-path vincicoder.trainers.slime.reward --label-key answer --multimodal-keys '{"image": "images"}'``
    """
    if isinstance(sample, Sequence):
        return list(await asyncio.gather(*(reward(args, each) for each in sample)))
    score = _scorer(args.n_samples_per_prompt, args.rollout_max_response_len)
    metadata = sample.metadata if isinstance(sample.metadata, dict) else {}
    images = (sample.multimodal_inputs or {}).get("images")
    known: dict[str, Any] = {LENGTH: sample.response_length}
    if sample.group_index is not None:  # slime counts groups through all steps; those of evaluation have none
        known["uid"] = f"slime-{sample.group_index}"
    sources = (known, metadata, answer_fields(sample.label), {"images": images, "prompt": text_of(sample.prompt)})
    metrics = await score(without_end_tokens(sample.response), sources)
    return metrics if args.reward_key else metrics["overall"]


@functools.cache
def _scorer(group_size: int, max_response: int) -> SampleScorer:
    return sample_scorer(_TARGET_HINT, **{"group_size": group_size, "max_response": max_response, **reward_options()})
