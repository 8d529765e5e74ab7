"""Responses in texts that still have the special tokens of a chat template.

Some trainers decode tokens without leaving these out. A fence with a token behind it, as in `` ```<|im_end|> ``, closes
no block, so a whole answer would count as cut off.
"""

from __future__ import annotations

import re

_LONGEST = 48  # characters of a special token
_TOKEN = re.compile(r"(?:<\|[^<>|\s]+\|>|<｜[^<>｜\s]+｜>|</s>|<eos>|<end_of_turn>|<turn\|>)\Z")
_LEAST = 6
"""Characters of a prompt's end that tell where the response begins; a template's end, as `` [/INST]``, has more."""


def without_end_tokens(response: str) -> str:
    r"""Return a response without the special tokens that it ends with.

    Args:
        response: What the model wrote, perhaps with tokens such as ``<|im_end|>``, ``</s>`` or ``<eos>`` behind it.

    Example:
        >>> without_end_tokens("```svg\n<svg/>\n```<|im_end|>\n<|endoftext|>")
        '```svg\n<svg/>\n```'
        >>> without_end_tokens("I write SVG.\n")
        'I write SVG.\n'
    """
    kept = len(response)
    while True:
        end = kept
        while end and response[end - 1].isspace():
            end -= 1
        token = _TOKEN.search(response, max(0, end - _LONGEST), end)
        if token is None:
            return response[:kept]
        kept = token.start()


def response_in(query: str, prompt: str) -> str | None:
    """Return what a model wrote behind its prompt, without the special tokens at its end.

    A trainer that decodes prompt and response together writes the prompt in other words where it holds an image: one
    placeholder has become one token for each patch. From there on, the rest of the prompt is looked for. Where that is
    not found either, as with several images, it is the longest end of the prompt that the query has.

    Args:
        query: Prompt and response, decoded together.
        prompt: The prompt as it was before.

    Returns:
        The response, or None where the query has no end of the prompt.

    Example:
        >>> response_in("<|user|><|pad|><|pad|>As SVG.<|bot|>No.<|end|>", "<|user|><|pad|>As SVG.<|bot|>")
        'No.'
    """
    pairs = enumerate(zip(query, prompt, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(query), len(prompt)))
    rest = prompt[same:]
    begins = query.find(rest, same)
    if begins < 0 or 0 < len(rest) < _LEAST:
        rest = _longest_end(prompt, query)
        if len(rest) < min(_LEAST, len(prompt)):
            return None
        begins = query.rindex(rest)  # examples before the question may end as it does
    return without_end_tokens(query[begins + len(rest) :])


def _longest_end(prompt: str, query: str) -> str:
    """Return the longest end of the prompt that the query has; one that it lacks makes it lack all longer ones."""
    found, least, most = 0, 1, len(prompt)
    while least <= most:
        length = (least + most) // 2
        if prompt[-length:] in query:
            found, least = length, length + 1
        else:
            most = length - 1
    return prompt[len(prompt) - found :]
