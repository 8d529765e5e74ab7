"""The VinciCoder reward for ms-swift's GRPO: ``swift rlhf --rlhf_type grpo --external_plugins`` this file.

``--reward_funcs`` takes ``vincicoder``, the overall reward, and its components ``vincicoder_visual``,
``vincicoder_alignment`` and ``vincicoder_execution``, to be weighted by ``--reward_weights``. All of them share one
scoring pass per batch, and all ranks of a node share one pool of render workers and one encoder.

Options are those of ``vincicoder.CompletionReward`` and ``vincicoder.VisualReward``. They come from a YAML file that
``VINCICODER_REWARD_CONFIG`` names, and from variables such as ``VINCICODER_REWARD_ENCODER=embedded``, which win.

``--callbacks vincicoder`` logs the means of all components and the share of every kind of failure over all ranks, as
``vincicoder/visual``, ``vincicoder/timeout`` and so on. Means of components leave out samples that could not be judged.

``--multi_turn_scheduler vincicoder --max_turns 2`` shows the policy what its code draws, and lets it write again.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import importlib.util
import sys
from pathlib import Path
from typing import Any

from swift.callbacks import callbacks_map
from swift.callbacks.base import TrainerCallback
from swift.rewards import AsyncORM, orms
from swift.rollout import MultiTurnScheduler, multi_turns

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder.data.cells import answer_fields
from vincicoder.errors import ConfigError
from vincicoder.images import compressed
from vincicoder.rendering.pool import RenderPool
from vincicoder.trainers import CompletionReward, add_means, request_from, reward_config, text_of
from vincicoder.trainers.environment import reward_options
from vincicoder.trainers.turns import TURNS, Feedback, Renderer, feedback

SCHEDULER = "vincicoder"
_SHOWN = "vincicoder_shown"


class VinciCoder(AsyncORM):
    """The overall reward; ``reward`` says which, see ``vincicoder.CompletionReward``."""

    reward = "overall"

    def __init__(self, args: Any = None, **kwargs: Any) -> None:
        super().__init__(args, **kwargs)
        known: dict[str, Any] = {"group_size": getattr(args, "num_generations", None)}
        if getattr(args, "multi_turn_scheduler", None) == SCHEDULER:
            known["turns"] = args.max_turns
        self._score = CompletionReward(self.reward, **{**known, **reward_options()})
        if self._score.scores_prefixes:
            raise ConfigError("prefixes is set, but ms-swift has no place for what prefixes score; leave it out")
        VinciCoderTurns.renderer = self._score

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


class VinciCoderTurns(MultiTurnScheduler):
    """Show the policy the render of its code, or why there is none, and let it write again.

    Attributes:
        renderer: The reward of this process; where there is none, as on a rollout server, a pool of its own.
    """

    renderer: Renderer | None = None

    async def on_turn_end(self, infer_request: Any, response_choice: Any, current_turn: int) -> dict[str, Any]:
        """Render, for all requests at once, unless this was the last turn."""
        if not self.check_finished(infer_request, response_choice, current_turn):
            response = response_choice.message.content
            infer_request.data_dict[_SHOWN] = await asyncio.to_thread(self._look, infer_request, response)
        return {}

    def step(self, infer_request: Any, response_choice: Any, current_turn: int) -> dict[str, Any]:
        """Put what the policy is shown into the conversation, and its answer where the reward finds it."""
        row = infer_request.data_dict
        shown: Feedback = row.pop(_SHOWN)
        row[TURNS] = [*row.get(TURNS, ()), response_choice.message.content]
        place = ""
        if shown.image is not None:
            place = "<image>"
            infer_request.images = [*infer_request.images, base64.b64encode(compressed(shown.image)).decode()]
        infer_request.messages.append({"role": "user", "content": place + shown.text})
        return {
            "infer_request": infer_request,
            "rollout_infos": {"images": infer_request.images, TURNS: row[TURNS]},
        }

    def _look(self, infer_request: Any, response: str) -> Feedback:
        row = infer_request.data_dict
        asked = next((each for each in infer_request.messages if each["role"] == "user"), None)
        sources = (row, answer_fields(row.get("solution")), {"prompt": text_of([asked]) if asked else None})
        return feedback(_renderer(), response, request_from("", sources).language or "")


@functools.lru_cache(maxsize=1)
def _pool() -> RenderPool:
    return RenderPool.of(reward_config(reward_options()).rendering)


def _renderer() -> Renderer:
    return VinciCoderTurns.renderer or _pool()


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
multi_turns[SCHEDULER] = VinciCoderTurns
