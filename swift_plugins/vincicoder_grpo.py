"""The VinciCoder reward for ms-swift's GRPO: ``swift rlhf --rlhf_type grpo --external_plugins`` this file.

``--reward_funcs`` takes ``vincicoder``, the overall reward, and its components ``vincicoder_visual``,
``vincicoder_alignment`` and ``vincicoder_execution``, to be weighted by ``--reward_weights``. All of them share one
scoring pass per batch, and all ranks of a node share one pool of render workers and one encoder.

Options are those of ``vincicoder.CompletionReward`` and ``vincicoder.VisualReward``. They come from a YAML file that
``VINCICODER_REWARD_CONFIG`` names, and from variables such as ``VINCICODER_REWARD_ENCODER=embedded``, which win.

``--callbacks vincicoder`` logs the means of all components and the share of every kind of failure over all ranks, as
``vincicoder/visual``, ``vincicoder/timeout`` and so on. Means of components leave out samples that could not be judged.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import sys
from pathlib import Path
from typing import Any

from swift.callbacks import callbacks_map
from swift.callbacks.base import TrainerCallback
from swift.rewards import AsyncORM, orms

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder.trainers import CompletionReward, add_means
from vincicoder.trainers.environment import reward_options


class VinciCoder(AsyncORM):
    """The overall reward; ``reward`` says which, see ``vincicoder.CompletionReward``."""

    reward = "overall"

    def __init__(self, args: Any = None, **kwargs: Any) -> None:
        super().__init__(args, **kwargs)
        group_size = getattr(args, "num_generations", None)
        self._score = CompletionReward(self.reward, **{"group_size": group_size, **reward_options()})

    async def __call__(self, completions: list[str], **columns: Any) -> list[float | None]:
        """Score this rank's completions, while other rewards are computed; None where one cannot be judged."""
        return await asyncio.to_thread(functools.partial(self._score, completions, **columns))


class VinciCoderVisual(VinciCoder):
    """Similarity of the images alone."""

    reward = "visual"


class VinciCoderAlignment(VinciCoder):
    """1 for code in the requested language."""

    reward = "alignment"


class VinciCoderExecution(VinciCoder):
    """1 for code that gives an image."""

    reward = "execution"


class VinciCoderMetrics(TrainerCallback):
    """Add what the rewards found to the trainer's log, averaged over all ranks."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """After an optimizer step, which is when the trainer may write its log."""
        add_means(self.trainer, "train")

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """After a batch of the evaluation."""
        add_means(self.trainer, "eval")


orms["vincicoder"] = VinciCoder
orms["vincicoder_visual"] = VinciCoderVisual
orms["vincicoder_alignment"] = VinciCoderAlignment
orms["vincicoder_execution"] = VinciCoderExecution
callbacks_map["vincicoder"] = VinciCoderMetrics
