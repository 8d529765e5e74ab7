"""The judge as a reward for image editing: UniWorld-R1's, for trainers of models that edit images.

The judge sees the source and the edited image, in this order, and the instruction. The score is the expectation over
the digits 0 to 5 of its first token, divided by 5 (arXiv 2510.16888). The question is that of the authors' code, which
differs from the paper's; a file of your own may take its place.

A judge that does not answer raises. It is never a 0, which would be learned from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

from vincicoder.reward.components.judge import PROMPTS, Judge, read_prompt

_PLACE = re.compile(r"\{(prompt|requirement)\}")


@dataclass(frozen=True)
class Edit:
    """An edited image.

    Attributes:
        prompt: The instruction.
        source: The image before.
        edited: The image after.
        requirement: What else the result must meet; the data of UniWorld-R1 say it for each row.
    """

    prompt: str
    source: Image.Image
    edited: Image.Image
    requirement: str = ""


class EditJudge:
    """Rate edits by a judge behind an endpoint.

    Args:
        url: The endpoint, up to ``/v1``.
        model: The judge's name there.
        prompt: A file with the question, in which ``{prompt}`` and ``{requirement}`` stand for the edit's; empty for
            that of UniWorld-R1's code.
        options: Further options of the component ``judge``, such as ``token_ids``, ``least_mass`` and ``timeout``.

    Raises:
        ValueError: An option is out of range, or the prompt cannot be read or does not hold ``{prompt}``.
        ConfigError: The URL is not one of an endpoint.

    Example:
        >>> judge = EditJudge("http://localhost:8000/v1", "Qwen/Qwen2.5-VL-32B-Instruct")
        >>> asyncio.run(judge(Edit("Make it red.", source, edited)))  # doctest: +SKIP
        0.83
    """

    def __init__(self, url: str, model: str, prompt: str = "", **options: Any) -> None:
        self._question = read_prompt(prompt or str(PROMPTS / "edit.txt"))
        if "{prompt}" not in self._question:
            raise ValueError(f"the prompt {prompt!r} has no place for the instruction; expected {{prompt}} in it")
        self._judge = Judge(url, model, **options)

    async def __call__(self, edit: Edit) -> float:
        """Return the score of an edit, in [0, 1].

        Raises:
            EndpointError: The judge does not answer.
            FaultyAnswer: What it answers is no score, or not sure enough.
        """
        said = {"prompt": edit.prompt, "requirement": edit.requirement}
        question = _PLACE.sub(lambda place: said[place[1]], self._question)
        return await self._judge.rate(question, edit.source.convert("RGB"), edit.edited.convert("RGB"))
