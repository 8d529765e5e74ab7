"""Make a random vision-language model of Qwen's architecture, tiny enough to train on a CPU in seconds.

With its tokenizer and processor it has every file that a real checkpoint has, so that what runs with it runs with the
real one. Nothing is downloaded. The training scripts call it when ``SMOKE=1``::

    python examples/smoke_model.py DIR --kind qwen3_vl

The tokenizer has a few hundred entries, so the ids of its special tokens are not Qwen's; trainers that have those
written into their code need ``smoke_tokens.py`` as well.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

KINDS = ("qwen2_5_vl", "qwen3_vl")

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

_TEXT = (
    "system user assistant You are a helpful assistant.",
    "```python\nimport matplotlib.pyplot as plt\nplt.show()\n```",
    '```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect fill="red"/></svg>\n```',
    "```html\n<html><body><div></div></body></html>\n```",
    "```latex\n\\documentclass{standalone}\n\\begin{document}\n\\end{document}\n```",
)

_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tiny_vlm(directory: str | Path, kind: str = "qwen2_5_vl", seed: int = 0) -> Path:
    """Write a random model of about 0.1 million parameters with its tokenizer and processor.

    Args:
        directory: Where the files go; made if it does not exist.
        kind: The architecture, "qwen2_5_vl" or "qwen3_vl".
        seed: Of the weights. The same seed gives the same weights.

    Returns:
        The directory.

    Raises:
        ValueError: ``kind`` is not known.
    """
    import torch

    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is not known; give one of: {', '.join(KINDS)}")
    directory = Path(directory)
    tokenizer = _tokenizer()
    _processor(kind, tokenizer).save_pretrained(directory)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _model(kind, tokenizer)
    model.save_pretrained(directory)
    return directory


def _tokenizer() -> Any:
    """Return a byte-level BPE tokenizer that can write any text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2TokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    inner.train_from_iterator(_TEXT * 20, trainer)
    inner.add_special_tokens(list(SPECIAL_TOKENS))
    return Qwen2TokenizerFast(
        tokenizer_object=inner,
        bos_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token=None,
        additional_special_tokens=[token for token in SPECIAL_TOKENS if token != "<|endoftext|>"],
        model_max_length=32768,
    )


def _processor(kind: str, tokenizer: Any) -> Any:
    import transformers

    patch = 14 if kind == "qwen2_5_vl" else 16
    side = 2 * patch  # of the square that becomes one token
    options = {"patch_size": patch, "merge_size": 2, "temporal_patch_size": 2}
    options["size"] = {"shortest_edge": 4 * side**2, "longest_edge": 64 * side**2}
    image_processor = transformers.Qwen2VLImageProcessor(**options)
    name = {"qwen2_5_vl": "Qwen2VLVideoProcessor", "qwen3_vl": "Qwen3VLVideoProcessor"}[kind]
    video_processor = getattr(transformers, name)(**options)
    name = {"qwen2_5_vl": "Qwen2_5_VLProcessor", "qwen3_vl": "Qwen3VLProcessor"}[kind]
    return getattr(transformers, name)(image_processor, tokenizer, video_processor, chat_template=_CHAT_TEMPLATE)


def _model(kind: str, tokenizer: Any) -> Any:
    import transformers

    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    rope: dict[str, Any] = {"rope_type": "default", "mrope_section": [2, 1, 1]}
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 32768,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    vision: dict[str, Any] = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 4,
        "out_hidden_size": 32,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }
    if kind == "qwen2_5_vl":
        name = "Qwen2_5_VL"
        vision |= {"patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1]}
    else:
        name = "Qwen3VL"
        rope["mrope_interleaved"] = True
        vision |= {"patch_size": 16, "deepstack_visual_indexes": [0], "num_position_embeddings": 64}
    if transformers.__version__ < "5":
        text["rope_scaling"] = rope
    else:
        text["rope_parameters"] = rope | {"rope_theta": 1e6}
    config = getattr(transformers, f"{name}Config")(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )
    model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
    generation = model.generation_config
    generation.eos_token_id = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    generation.pad_token_id = ids["<|endoftext|>"]
    # A random model would write image tokens sooner or later, and the next forward pass would look for images.
    generation.suppress_tokens = [
        ids[token] for token in SPECIAL_TOKENS if token not in ("<|endoftext|>", "<|im_end|>")
    ]
    return model


def main() -> None:
    """Write the model into the directory that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="qwen3_vl")
    options = parser.parse_args()
    print(make_tiny_vlm(options.directory, options.kind))


if __name__ == "__main__":
    main()
