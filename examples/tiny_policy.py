"""Policies that write words instead of letters: LLaVA in miniature, from random weights, held to a grammar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from PIL import Image
from tiny_llava import llava_processor
from tokenizers import Tokenizer, decoders, models
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

PAD, END, IMAGE = "<pad>", "<end>", "<image>"
SPECIAL = (PAD, END, IMAGE)
_WIDTH = 64
_TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}"
)


def word_processor(words: Mapping[str, int], questions: Sequence[str], side: int, patch: int) -> LlavaProcessor:
    """Return what turns images into pixels and words into numbers.

    Args:
        words: The number of each word, `SPECIAL` and the questions among them.
        questions: What may be asked; each is one word.
        side: Width and height at which images are seen, in pixels.
        patch: Width and height of a patch, in pixels.
    """
    tokenizer = Tokenizer(models.WordLevel(dict(words), unk_token=PAD))
    tokenizer.add_special_tokens([*SPECIAL, *questions])
    tokenizer.add_tokens([word for word in words if word not in (*SPECIAL, *questions)])  # a text is split into these
    tokenizer.decoder = decoders.Fuse()  # words follow each other without spaces
    return llava_processor(tokenizer, _TEMPLATE, side, patch, contrast=0.25, pad=PAD, end=END, image=IMAGE)


class Policy(LlavaForConditionalGeneration):
    """LLaVA that may say only what can come next.

    Args:
        config: Of the model.
        may_follow: Which word may follow which, bool, ``[word, next word]``.
    """

    def __init__(self, config: LlavaConfig, may_follow: torch.Tensor) -> None:
        super().__init__(config)
        self.register_buffer("may_follow", may_follow, persistent=False)

    def forward(
        self,
        input_ids: torch.Tensor,
        pixel_values: torch.Tensor | None = None,
        logits_to_keep: int = 0,
        **others: Any,
    ) -> Any:
        """As LLaVA's, with the logits of words that cannot come next taken away."""
        output = super().forward(input_ids, pixel_values, logits_to_keep=logits_to_keep, **others)
        last = input_ids[:, -output.logits.shape[1] :]
        output.logits = output.logits.masked_fill(~self.may_follow[last], -1e9)
        return output


def word_policy(
    seed: int,
    words: Mapping[str, int],
    may_follow: torch.Tensor,
    side: int,
    patch: int,
    width: int = _WIDTH,
    layers: tuple[int, int] = (1, 2),
) -> Policy:
    """Return an untrained policy.

    Args:
        seed: Of its weights.
        words: The number of each word.
        may_follow: Which word may follow which; see `grammar`.
        side: Width and height at which it sees images, in pixels.
        patch: Width and height of a patch, in pixels.
        width: Of its layers.
        layers: Of its vision tower, and of its language model.
    """
    torch.manual_seed(seed)
    shape = {"hidden_size": width, "intermediate_size": 2 * width, "num_attention_heads": 4}
    # The usual spread of first weights, 0.02, is meant for thousands of units, not for 64.
    vision = CLIPVisionConfig(
        **shape,
        num_hidden_layers=layers[0],
        image_size=side,
        patch_size=patch,
        projection_dim=width,
        initializer_factor=3.0,
    )
    text = LlamaConfig(
        **shape,
        vocab_size=len(words),
        num_hidden_layers=layers[1],
        max_position_embeddings=128,
        initializer_range=0.1,
        pad_token_id=words[PAD],
        eos_token_id=words[END],
        bos_token_id=None,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=words[IMAGE],
        vision_feature_layer=-1,
        image_seq_length=(side // patch) ** 2,
    )
    return Policy(config, may_follow)


def grammar(words: Mapping[str, int], steps: Iterable[tuple[Iterable[str], Iterable[str]]]) -> torch.Tensor:
    """Return which word may follow which, bool, ``[word, next word]``.

    Args:
        words: The number of each word.
        steps: Words, and the words that may follow each of them.
    """
    allowed = torch.zeros(len(words), len(words), dtype=torch.bool)
    for earlier, later in steps:
        numbers = [words[each] for each in later]
        for word in earlier:
            allowed[words[word], numbers] = True
    # What is said there is never read, but a row without any choice has no probabilities.
    allowed[[words[each] for each in SPECIAL]] = True
    return allowed


@torch.no_grad()
def respond(
    policy: Policy,
    processor: LlavaProcessor,
    images: Sequence[Image.Image],
    question: str,
    limit: int,
    sample: bool = True,
) -> list[str]:
    """Return one response of the policy to each image.

    Args:
        policy: What answers.
        processor: What it reads and writes by.
        images: What is shown.
        question: What is asked of each.
        limit: Words of a response, at most, with its end.
        sample: Whether words are sampled; else the likeliest are taken.
    """
    conversations = [
        [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": question}]}]
        for image in images
    ]
    inputs = processor.apply_chat_template(
        conversations, tokenize=True, return_dict=True, processor_kwargs={"return_tensors": "pt", "padding": True}
    )
    training = policy.training
    policy.eval()
    written = policy.generate(**inputs, max_new_tokens=limit, do_sample=sample, top_k=0)
    policy.train(training)
    return list(processor.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
