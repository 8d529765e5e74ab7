"""What the models that the examples make from nothing have in common: how LLaVA sees an image and reads tokens."""

from __future__ import annotations

from tokenizers import Tokenizer
from transformers import CLIPImageProcessorPil, LlavaProcessor, PreTrainedTokenizerFast


def llava_processor(
    tokenizer: Tokenizer, template: str, side: int, patch: int, contrast: float, pad: str, end: str, image: str
) -> LlavaProcessor:
    """Return a processor for small images.

    Args:
        tokenizer: With the special tokens.
        template: Of a chat, in Jinja.
        side: Width and height at which images are seen, in pixels.
        patch: Width and height of a patch, in pixels.
        contrast: Part of a channel's whole range, in (0, 1], that the model sees as 1. White is 0.
        pad: Token that fills up a batch.
        end: Token that ends an answer.
        image: Token that stands for an image.
    """
    return LlavaProcessor(
        # White becomes 0, so that what there is to see is not drowned by the paper.
        image_processor=CLIPImageProcessorPil(
            size={"height": side, "width": side},
            do_center_crop=False,
            image_mean=[1.0] * 3,
            image_std=[contrast] * 3,
        ),
        tokenizer=PreTrainedTokenizerFast(
            tokenizer_object=tokenizer,
            pad_token=pad,
            eos_token=end,
            padding_side="left",
            clean_up_tokenization_spaces=False,
            extra_special_tokens={"image_token": image},
        ),
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )
