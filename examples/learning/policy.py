"""The policy: LLaVA in miniature, from random weights. It sees pixels and writes words of `scenes.SLOTS`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
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

from learning.scenes import MOSAIC, PROMPT, SLOTS, vocabulary

RESPONSE_TOKENS = len(SLOTS) + 1
"""A word of each slot, and the end."""

_PAD, _END, _IMAGE = "<pad>", "<end>", "<image>"
_OTHERS = (_PAD, _END, _IMAGE, PROMPT)
_SIDE, _PATCH, _WIDTH = 32, 8, 64
_TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}"
)


def make_processor() -> LlavaProcessor:
    """Return what turns images into 32 x 32 pixels and words into numbers; the question is a word too."""
    tokenizer = Tokenizer(models.WordLevel(vocabulary(_OTHERS), unk_token=_PAD))
    tokenizer.add_special_tokens(list(_OTHERS))
    tokenizer.decoder = decoders.Fuse()  # words follow each other without spaces
    return llava_processor(tokenizer, _TEMPLATE, _SIDE, _PATCH, contrast=0.25, pad=_PAD, end=_END, image=_IMAGE)


class Policy(LlavaForConditionalGeneration):
    """LLaVA that may say only a word of the next slot: its vocabulary has no others to say.

    Args:
        config: Of the model.
        mosaics: Whether it may say the word for a mosaic.
    """

    def __init__(self, config: LlavaConfig, mosaics: bool = True) -> None:
        super().__init__(config)
        self.register_buffer("may_follow", _may_follow(vocabulary(_OTHERS), mosaics), persistent=False)

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


def make_policy(seed: int, mosaics: bool = True) -> Policy:
    """Return an untrained policy with 0.14 million weights.

    Args:
        seed: Of its weights.
        mosaics: Whether it may say the word for a mosaic.
    """
    torch.manual_seed(seed)
    words = vocabulary(_OTHERS)
    shape = {"hidden_size": _WIDTH, "intermediate_size": 2 * _WIDTH, "num_attention_heads": 4}
    # The usual spread of first weights, 0.02, is meant for thousands of units, not for 64.
    vision = CLIPVisionConfig(
        **shape, num_hidden_layers=1, image_size=_SIDE, patch_size=_PATCH, projection_dim=_WIDTH, initializer_factor=3.0
    )
    text = LlamaConfig(
        **shape,
        vocab_size=len(words),
        num_hidden_layers=2,
        max_position_embeddings=64,
        initializer_range=0.1,
        pad_token_id=words[_PAD],
        eos_token_id=words[_END],
        bos_token_id=None,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=words[_IMAGE],
        vision_feature_layer=-1,
        image_seq_length=(_SIDE // _PATCH) ** 2,
    )
    return Policy(config, mosaics)


def _may_follow(words: dict[str, int], mosaics: bool) -> torch.Tensor:
    """Return which word may follow which, bool, ``[word, next word]``."""
    allowed = torch.zeros(len(words), len(words), dtype=torch.bool)
    chain = ((PROMPT,), *SLOTS.values(), (_END,))
    for earlier, later in itertools.pairwise(chain):
        for word in earlier:
            allowed[words[word], [words[each] for each in later]] = True
    if not mosaics:
        allowed[:, words[MOSAIC]] = False
    # What is said there is never read, but a row without any choice has no probabilities.
    allowed[[words[_PAD], words[_END], words[_IMAGE]]] = True
    return allowed


@torch.no_grad()
def respond(policy: Policy, processor: LlavaProcessor, images: Sequence[Image.Image], sample: bool = True) -> list[str]:
    """Return one response of the policy to each image; the likeliest words if it is not to sample them."""
    conversations = [
        [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": PROMPT}]}]
        for image in images
    ]
    inputs = processor.apply_chat_template(
        conversations, tokenize=True, return_dict=True, processor_kwargs={"return_tensors": "pt", "padding": True}
    )
    training = policy.training
    policy.eval()
    written = policy.generate(**inputs, max_new_tokens=RESPONSE_TOKENS, do_sample=sample, top_k=0)
    policy.train(training)
    return list(processor.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
