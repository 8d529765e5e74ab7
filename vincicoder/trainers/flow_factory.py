"""The judge of image edits as a reward of Flow-Factory, named by its dotted path.

::

    rewards:
      - name: edit
        reward_model: vincicoder.trainers.flow_factory.EditReward
        batch_size: 16
        url: http://judge:8000/v1
        model: Qwen/Qwen2.5-VL-32B-Instruct

Keys that are not Flow-Factory's own are options of ``vincicoder.reward.editing.EditJudge``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from flow_factory.rewards import PointwiseRewardModel, RewardModelOutput
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.reward.editing import Edit, EditJudge


class EditReward(PointwiseRewardModel):
    """Rate each edited image beside the first of its condition images, which is the source.

    An edit that the judge does not rate stops the run, after the judge's own retries: it is never a 0.

    Args:
        config: Flow-Factory's ``RewardArguments``; unknown keys are options of the judge.
        accelerator: Flow-Factory's.

    Raises:
        ConfigError: An option of the judge is unknown, missing, or out of range.
    """

    required_fields = ("prompt", "image", "condition_images")
    use_tensor_inputs = False

    def __init__(self, config: Any, accelerator: Any) -> None:
        super().__init__(config, accelerator)
        try:
            self._judge = EditJudge(**config.extra_kwargs)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"the reward {config.name!r}: {error}; it needs at least url and model") from error

    def __call__(
        self,
        prompt: Sequence[str],
        image: Sequence[Image.Image] | None = None,
        video: Any = None,
        audio: Any = None,
        condition_images: Sequence[Sequence[Image.Image]] | None = None,
        condition_videos: Any = None,
        requirement: Sequence[str] | None = None,
        **fields: Any,
    ) -> RewardModelOutput:
        """Return the score of each edit.

        Args:
            prompt: The instructions.
            image: The edited images.
            video: Not used.
            audio: Not used.
            condition_images: The images that each edit began with; the first counts.
            condition_videos: Not used.
            requirement: What else each edit must meet, if a subclass names it among its ``required_fields``.
            fields: Not used.

        Raises:
            ConfigError: There are no edited or no source images.
            EndpointError: The judge does not answer.
            FaultyAnswer: What it answers is no score, or not sure enough.
        """
        if image is None or condition_images is None or not all(len(each) for each in condition_images):
            raise ConfigError("EditReward needs the edited image and its source as a condition image; train on edits")
        sources = [each[0] for each in condition_images]
        requirements = requirement or [""] * len(prompt)
        edits = [Edit(*each) for each in zip(prompt, sources, image, requirements, strict=True)]
        return RewardModelOutput(rewards=asyncio.run(self._rated(edits)))

    async def _rated(self, edits: Sequence[Edit]) -> list[float]:
        return await asyncio.gather(*(self._judge(edit) for edit in edits))
