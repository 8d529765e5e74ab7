"""The model: LLaVA with about six million weights that begin at random, and a tokenizer that can write any text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from PIL import Image
from tiny_llava import llava_processor
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from miniature.scenes import CELL, SIDE

PAD, END, IMAGE, ANSWER = "<pad>", "<end>", "<image>", "<answer>"
_SPECIAL = (PAD, END, IMAGE, ANSWER)
_VOCABULARY = 512
_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<answer>{% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{% if message['role'] == 'assistant' %}<end>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<answer>{% endif %}"
)


def make_processor(texts: Iterable[str]) -> LlavaProcessor:
    """Return a processor whose tokenizer is a byte-level BPE trained on texts.

    It sees an image as 48 x 48 pixels in 9 patches.

    Args:
        texts: Prompts and answers of the training data.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d+|[^\d\n]+|\n"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return llava_processor(tokenizer, _TEMPLATE, SIDE, CELL, contrast=0.5, pad=PAD, end=END, image=IMAGE)


def make_model(
    processor: LlavaProcessor, seed: int, width: int = 256, layers: tuple[int, int] = (4, 3)
) -> LlavaForConditionalGeneration:
    """Return a model with random weights.

    Args:
        processor: What it will read and write by.
        seed: Of the weights.
        width: Of its layers; a multiple of 64.
        layers: Of the vision tower, and of the language model.
    """
    tokenizer = processor.tokenizer
    torch.manual_seed(seed)
    # The usual spread of first weights, 0.02, is meant for thousands of units.
    shape = {"hidden_size": width, "num_attention_heads": width // 64, "initializer_range": 0.8 / width**0.5}
    vision = CLIPVisionConfig(
        **shape,
        num_hidden_layers=layers[0],
        intermediate_size=4 * width,
        image_size=SIDE,
        patch_size=CELL,
        projection_dim=width,
    )
    text = LlamaConfig(
        **shape,
        num_hidden_layers=layers[1],
        intermediate_size=3 * width,
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        image_seq_length=(SIDE // CELL) ** 2,
    )
    model = LlavaForConditionalGeneration(config)
    # Where a patch is must be as loud as what is on it.
    torch.nn.init.normal_(model.model.vision_tower.embeddings.position_embedding.weight, std=0.5)
    # What it may write: everything but the places of images, which its next step would look for.
    model.generation_config.suppress_tokens = [config.image_token_id]
    return model


def load(directory: Path) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """Return a model and its processor from a directory."""
    return LlavaForConditionalGeneration.from_pretrained(directory), LlavaProcessor.from_pretrained(directory)


@torch.no_grad()
def respond(
    model: LlavaForConditionalGeneration,
    processor: LlavaProcessor,
    prompts: Sequence[str],
    images: Sequence[Image.Image],
    limit: int,
    batch: int = 64,
) -> list[str]:
    """Return the likeliest answer to each prompt, token by token.

    Args:
        model: What answers.
        processor: What it reads and writes by.
        prompts: What is asked.
        images: What is shown, of each prompt.
        limit: Tokens of an answer, at most.
        batch: Prompts that are answered at once.
    """
    said: list[str] = []
    training = model.training
    model.eval()
    for start in range(0, len(prompts), batch):
        texts = [f"{IMAGE}{prompt}{ANSWER}" for prompt in prompts[start : start + batch]]
        inputs = processor(text=texts, images=list(images[start : start + batch]), padding=True, return_tensors="pt")
        written = model.generate(**inputs, max_new_tokens=limit, do_sample=False)
        said += processor.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    model.train(training)
    return said
