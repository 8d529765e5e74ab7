"""The policy, and its warm-up: it learns to draw some of what it sees before any reward is asked."""

from __future__ import annotations

import random
from collections.abc import Sequence

import tiny_policy
import torch
from PIL import Image
from tiny_policy import END, IMAGE, SPECIAL, Policy, grammar, word_policy, word_processor
from transformers import LlavaProcessor

from beyond.judging import images_of
from beyond.scenes import (
    AGAIN,
    CELL,
    CLOSING,
    COLOURS,
    DRAW,
    KINDS,
    LONGEST,
    OPENING,
    PLACES,
    SIDE,
    Scene,
    answer,
    draft,
    seen,
    vocabulary,
)
from beyond.settings import Settings

_OTHERS = (*SPECIAL, DRAW, AGAIN)


def make_processor() -> LlavaProcessor:
    """Return what turns images into 96 x 96 pixels and words into numbers; a question is a word too."""
    return word_processor(vocabulary(_OTHERS), [DRAW, AGAIN], 2 * SIDE, CELL)


def make_policy(seed: int) -> Policy:
    """Return an untrained policy with 0.2 million weights."""
    words = vocabulary(_OTHERS)
    ends = (*PLACES, CLOSING)
    steps = (
        ((DRAW, AGAIN), (OPENING,)),
        ((OPENING, *KINDS), ends),
        (PLACES, COLOURS),
        (COLOURS, KINDS),
        ((CLOSING,), (END,)),
    )
    return word_policy(seed, words, grammar(words, steps), 2 * SIDE, CELL)


def respond(
    policy: Policy,
    processor: LlavaProcessor,
    images: Sequence[Image.Image],
    question: str = DRAW,
    sample: bool = False,
) -> list[str]:
    """Return one answer of the policy to each image, the likeliest words unless it is to sample them."""
    return tiny_policy.respond(policy, processor, images, question, LONGEST, sample)


def warm_up(seed: int, lessons: Sequence[Scene], settings: Settings) -> Policy:
    """Return a policy that has learned from images with flawed code, and so draws with such flaws itself.

    In half of the rows it sees the target alone. In the others it also sees another draft, and is to write it anew.

    Args:
        seed: Of the weights, of the flaws and of the order of the rows.
        lessons: What it learns from.
        settings: See `Settings`.
    """
    rng = random.Random(seed)
    policy, processor = make_policy(seed), make_processor()
    targets, drafts = images_of(lessons), images_of([draft(scene, rng) for scene in lessons])
    shown = [seen(target) for target in targets] + [seen(*pair) for pair in zip(targets, drafts, strict=True)]
    pixels = processor.image_processor(images=shown, return_tensors="pt")["pixel_values"]
    asked, said = _tokens(processor, [draft(scene, rng) for scene in [*lessons, *lessons]])
    optimizer = torch.optim.AdamW(policy.parameters(), lr=settings.warm_up_rate, weight_decay=0.01)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.warm_up_steps)
    policy.train()
    for _ in range(settings.warm_up_steps):
        rows = torch.tensor([rng.randrange(len(shown)) for _ in range(settings.warm_up_rows)])
        answers = said[rows]
        words = torch.cat([asked[rows // len(lessons)], answers], dim=1)
        pad = policy.config.text_config.pad_token_id
        output = policy(words, pixels[rows], logits_to_keep=answers.shape[1] + 1, attention_mask=(words != pad).long())
        loss = torch.nn.functional.cross_entropy(
            output.logits[:, :-1].flatten(0, 1), answers.flatten(), ignore_index=pad
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        decay.step()
    return policy


def _tokens(processor: LlavaProcessor, drafts: Sequence[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both questions, each behind an image, and all answers, filled up to the longest."""
    tokenizer, places = processor.tokenizer, IMAGE * (2 * SIDE // CELL) ** 2
    asked = tokenizer([places + question for question in (DRAW, AGAIN)], return_tensors="pt")["input_ids"]
    answers = tokenizer([answer(each) + END for each in drafts])["input_ids"]
    filled = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(each) for each in answers], batch_first=True, padding_value=tokenizer.pad_token_id
    )
    return asked, filled
