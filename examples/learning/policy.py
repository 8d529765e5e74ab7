"""The policy: LLaVA in miniature, from random weights. It sees pixels and writes words of `scenes.SLOTS`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import tiny_policy
import torch
from PIL import Image
from tiny_policy import END, SPECIAL, Policy, grammar, word_policy, word_processor
from transformers import LlavaProcessor

from learning.scenes import MOSAIC, PROMPT, SLOTS, vocabulary

RESPONSE_TOKENS = len(SLOTS) + 1
"""A word of each slot, and the end."""

_OTHERS = (*SPECIAL, PROMPT)
_SIDE, _PATCH = 32, 8


def make_processor() -> LlavaProcessor:
    """Return what turns images into 32 x 32 pixels and words into numbers; the question is a word too."""
    return word_processor(vocabulary(_OTHERS), [PROMPT], _SIDE, _PATCH)


def make_policy(seed: int, mosaics: bool = True) -> Policy:
    """Return an untrained policy with 0.14 million weights.

    Args:
        seed: Of its weights.
        mosaics: Whether it may say the word for a mosaic.
    """
    words = vocabulary(_OTHERS)
    return word_policy(seed, words, _may_follow(words, mosaics), _SIDE, _PATCH)


def _may_follow(words: dict[str, int], mosaics: bool) -> torch.Tensor:
    """Return which word may follow which, bool, ``[word, next word]``."""
    allowed = grammar(words, itertools.pairwise(((PROMPT,), *SLOTS.values(), (END,))))
    if not mosaics:
        allowed[:, words[MOSAIC]] = False
    return allowed


def respond(policy: Policy, processor: LlavaProcessor, images: Sequence[Image.Image], sample: bool = True) -> list[str]:
    """Return one response of the policy to each image; the likeliest words if it is not to sample them."""
    return tiny_policy.respond(policy, processor, images, PROMPT, RESPONSE_TOKENS, sample)
