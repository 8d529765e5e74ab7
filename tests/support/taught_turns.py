"""A tiny vision-language model that has learned to answer, to look at its render, and to answer again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from taught_vlm import ANSWERS, answer, asked, said, shown_targets, teach

from vincicoder.alignment import align
from vincicoder.rendering import RenderPool
from vincicoder.trainers.turns import Feedback, feedback

PAIRS = ((ANSWERS[1], ANSWERS[0]), (ANSWERS[0], ANSWERS[1]), (answer("<rect"), ANSWERS[0]))
"""What is written in both turns: a second turn makes it better, makes it worse, or mends what did not render."""

CALLS = """{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content or [] %}
{%- if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}
{%- endfor %}{% endif %}{% for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
"""A chat template with calls of tools as Qwen's models write them."""


_SYSTEM = {"role": "system", "content": [{"type": "text", "text": "You are a helpful assistant."}]}
"""What ms-swift puts before a conversation."""

Turns = Callable[[Image.Image, str, Feedback, str], list[dict[str, Any]]]
"""Makes a conversation of a target, a first answer, what the model is shown of it, and a second answer."""


def user_turns(image: Image.Image, first: str, shown: Feedback, second: str) -> list[dict[str, Any]]:
    """Return a conversation in which the user shows the render."""
    return [_SYSTEM, asked(image), said(first), {"role": "user", "content": _parts(shown)}, said(second)]


def called_turns(language: bool = True) -> Turns:
    """Return a function that makes a conversation in which the model calls the tool, and perhaps names the language."""

    def turns(image: Image.Image, first: str, shown: Feedback, second: str) -> list[dict[str, Any]]:
        arguments = {"code": align(first, "svg").code} | ({"language": "svg"} if language else {})
        call = {"type": "function", "function": {"name": "render", "arguments": arguments}}
        called = {"role": "assistant", "content": [], "tool_calls": [call]}
        return [asked(image), called, {"role": "tool", "content": _parts(shown)}, said(second)]

    return turns


def make_taught_turns(
    directory: Path,
    kind: str,
    turns: Turns,
    template: str | None = None,
    tools: Sequence[Any] | None = None,
) -> Path:
    """Write a model that takes two turns at the targets and the prompt, and return its directory.

    Args:
        directory: Where the files go.
        kind: The architecture.
        turns: Makes a conversation of a target, a first answer, what the model is shown of it, and a second answer.
        template: The chat template; None for the tiny model's own.
        tools: The tools that it is told of.
    """
    with RenderPool(workers=1) as pool:
        pairs = [(first, feedback(pool, first, "svg"), second) for first, second in PAIRS]
    talks = [[turns(image, *pair) for pair in pairs] for image in shown_targets()]
    return teach(directory, kind, talks, template, tools)


def _parts(shown: Feedback) -> list[dict[str, Any]]:
    image: Image.Image | None = shown.image
    return [*([] if image is None else [{"type": "image", "image": image}]), {"type": "text", "text": shown.text}]
