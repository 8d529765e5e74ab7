"""A tool for verl 0.9 and later with which the policy looks at what its code draws, and then writes it better.

``verl_rewards/vincicoder_render.yaml`` names it. The model calls ``render`` with its code, sees the image or why there
is none, and answers in the next turn; ``max_assistant_turns`` says how many turns there are::

    actor_rollout_ref.rollout.agent.default_agent_loop=tool_agent
    actor_rollout_ref.rollout.multi_turn.enable=true
    actor_rollout_ref.rollout.multi_turn.max_assistant_turns=2
    actor_rollout_ref.rollout.multi_turn.max_tool_response_length=1024
    actor_rollout_ref.rollout.multi_turn.tool_config_path=/path/to/this/clone/verl_rewards/vincicoder_render.yaml

It is a ``BaseTool``, since verl's function tools cannot leave anything with an episode: here every call leaves the code
that it rendered, and the manager ``vincicoder`` scores that turn too. The tool has no reward of its own.

Options of the reward stand under ``config`` in the YAML file. With those of ``reward.reward_kwargs``, both use one
service, which renders on all nodes of the job.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Any

from verl.tools.base_tool import BaseTool
from verl.tools.schemas import OpenAIFunctionToolSchema, ToolResponse

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import trainers
from vincicoder.languages import LANGUAGES, find_language
from vincicoder.trainers import turns

_INCOMPLETE = f"Nothing was rendered. Give the complete code and its language, one of: {', '.join(sorted(LANGUAGES))}."
_TEXT = {"type": "string"}
_SCHEMA = {
    "type": "function",
    "function": {
        "name": turns.TOOL,
        "description": "Render code and look at the image that it gives.",
        "parameters": {
            "type": "object",
            "properties": {
                "code": {**_TEXT, "description": "The complete code, without a fence."},
                "language": {**_TEXT, "description": f"Its language: {', '.join(sorted(LANGUAGES))}."},
            },
            "required": ["code", "language"],
        },
    },
}


class RenderTool(BaseTool):
    """Render what the model wrote, and show it.

    Args:
        config: Options of the reward, and ``type``, which is verl's.
        tool_schema: What the model is told of the tool; None for ours.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
    """

    def __init__(self, config: dict[str, Any], tool_schema: OpenAIFunctionToolSchema | None = None) -> None:
        super().__init__(config, tool_schema or OpenAIFunctionToolSchema.model_validate(_SCHEMA))
        options = {name: value for name, value in config.items() if name != "type"}
        self._reward = trainers.shared_reward(options, "", one_by_one=True)

    async def execute(
        self, instance_id: str, parameters: dict[str, Any], **kwargs: Any
    ) -> tuple[ToolResponse, float, dict[str, Any]]:
        """Return what the model is shown, and leave what it wrote with the episode.

        Args:
            instance_id: Of the call; not used.
            parameters: ``code`` and ``language``.
            kwargs: ``agent_data``, the episode.
        """
        episode = kwargs["agent_data"]
        language = find_language(str(parameters.get("language", "")).strip().lower())
        answer = turns.answer_of_call(turns.TOOL, parameters)
        if language is None or answer is None:
            return ToolResponse(text=_INCOMPLETE), 0.0, {}
        rendered = episode.extra_fields.setdefault(turns.TURNS, [])
        rendered.append({"answer": answer, "end": len(episode.response_mask)})
        shown = await asyncio.to_thread(turns.feedback, self._reward, answer, language.name)
        # verl refuses a response whose images are None.
        images = {} if shown.image is None else {"image": [shown.image]}
        return ToolResponse(text=shown.text, **images), 0.0, {}
