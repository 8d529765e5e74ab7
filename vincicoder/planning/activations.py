"""What a training step keeps for its backward pass, tensor by tensor, as transformers' code saves it.

The sums are those of the classes ``Qwen3VL*`` and ``Qwen2_5_VL*`` with fused attention (sdpa or flash-attention): what
autograd saves, each storage once. Fused kernels for norms or the loss, such as Liger's, need less.
"""

from __future__ import annotations

from dataclasses import dataclass

from vincicoder.planning.models import QWEN3, Shape

FLOAT32 = 4  # bytes; norms, softmax statistics and the loss are computed in float32 whatever the model's type


def layer_bytes(shape: Shape, itemsize: int = 2) -> int:
    """Return the bytes that one layer of the language model saves for one token.

    Args:
        shape: The model.
        itemsize: Bytes of a number in the model's type.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> layer_bytes(shape_of("8b"))
        215336
    """
    norm = (FLOAT32 + 2 * itemsize) * shape.hidden + FLOAT32  # its input in float32, normalised, and scaled
    attention = 2 * itemsize * (shape.queries + shape.keys) + FLOAT32 * shape.heads  # q, k, v, result; log-sum-exp
    if shape.family == QWEN3:  # queries and keys are normalised; the scaled ones are not kept
        attention += (FLOAT32 + itemsize) * (shape.queries + shape.keys) + FLOAT32 * (shape.heads + shape.kv_heads)
    return 2 * norm + attention + 4 * itemsize * shape.intermediate


def block_bytes(shape: Shape, itemsize: int = 2) -> int:
    """Return the bytes that one block of the vision tower saves for one patch.

    Args:
        shape: The model.
        itemsize: Bytes of a number in the model's type.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> block_bytes(shape_of("8b"))
        42640
    """
    vision = shape.vision
    # Turned queries and keys, the storage of all three before, the result and its copy: 7 times the width.
    attention = 7 * itemsize * vision.hidden + FLOAT32 * vision.heads
    if shape.family == QWEN3:
        return attention + 2 * (2 * itemsize * vision.hidden + 8) + 2 * itemsize * vision.intermediate
    norms = 2 * ((FLOAT32 + 2 * itemsize) * vision.hidden + FLOAT32)
    return attention + norms + 4 * itemsize * vision.intermediate


@dataclass(frozen=True)
class Activations:
    """The bytes of activations of one forward and backward pass.

    Attributes:
        text: What the language model's layers keep from the forward to the backward pass.
        vision: What the vision tower and its mergers keep.
        logits: What the loss and the last norm need, which is gone when the first layer goes backwards.
        layer: What one layer adds while it is computed again; 0 without checkpointing.
        block: The same of a block of the vision tower, when the language model has gone backwards.
    """

    text: int
    vision: int
    logits: int
    layer: int
    block: int

    @property
    def peak(self) -> int:
        """The most at any time."""
        return self.vision + max(self.text + max(self.logits, self.layer), self.block)


def activations(
    shape: Shape,
    tokens: int,
    image_tokens: int,
    *,
    itemsize: int = 2,
    logit_bytes: int = 4,
    logit_tokens: int | None = None,
    checkpointing: bool = True,
) -> Activations:
    """Return what a micro-batch keeps for its backward pass.

    Args:
        shape: The model.
        tokens: Tokens of the micro-batch, those of images included.
        image_tokens: How many of them are of images.
        itemsize: Bytes of a number in the model's type.
        logit_bytes: Bytes that the loss needs for each logit.
        logit_tokens: Tokens that have logits; None for all.
        checkpointing: Keep only the inputs of layers and blocks, and compute the rest again.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> with_it, without = (
        ...     activations(shape_of("8b"), 16384, 4096, checkpointing=each).peak / 2**30 for each in (True, False)
        ... )
        >>> round(with_it, 1), round(without, 1)
        (15.8, 146.2)
    """
    vision, patches = shape.vision, image_tokens * shape.vision.patches_per_token
    layer, block = tokens * layer_bytes(shape, itemsize), patches * block_bytes(shape, itemsize)
    norm = tokens * ((FLOAT32 + 2 * itemsize) * shape.hidden + FLOAT32)
    pixels = vision.channels * vision.temporal_patch * vision.patch**2
    mergers = vision.hidden * (4 + 3 * vision.deepstack)
    rotary = 2 * (vision.hidden // vision.heads)
    seen = patches * itemsize * (pixels + mergers + rotary)
    read = tokens * itemsize * 2 * shape.head_size  # the rotary tables
    if patches:
        read += tokens * shape.hidden  # where image tokens go: a byte for each number
    logits = norm + (tokens if logit_tokens is None else logit_tokens) * shape.vocabulary * logit_bytes
    if not checkpointing:
        return Activations(read + shape.layers * layer, seen + vision.depth * block, logits, 0, 0)
    inputs = shape.layers * tokens * shape.hidden * itemsize
    seen += vision.depth * patches * vision.hidden * itemsize
    return Activations(read + inputs, seen, logits, layer, block)
