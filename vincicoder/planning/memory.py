"""Where the memory of a GPU goes, phase by phase."""

from __future__ import annotations

from dataclasses import dataclass

from vincicoder.planning.activations import activations, block_bytes, layer_bytes
from vincicoder.planning.models import Shape
from vincicoder.planning.settings import EASYR1, RL, SFT, SWIFT, VERL, Rates, Run

GIB = 2**30

# DINOv2-L: 24 layers of width 1,024, patches of 14 pixels; 304 million parameters in float16.
ENCODER_PARAMETERS = 304_368_640
ENCODER_SIDE = 448
ENCODER_TOKENS = (ENCODER_SIDE // 14) ** 2 + 1
ENCODER_BATCH = 64  # tiles, the default of EncoderConfig.batch_tiles


@dataclass(frozen=True)
class Precision:
    """Bytes per parameter of what training keeps.

    Attributes:
        weights: Of the weights that are kept between steps.
        gradients: Of the gradients.
        optimizer: Of the optimizer's states, a copy of the weights in float32 included where there is one.
    """

    weights: int
    gradients: int
    optimizer: int


PRECISIONS = {
    # adamw_bf16 with torch_dtype bf16: both moments and Kahan's compensation in bfloat16 (AnyPrecisionAdamW).
    EASYR1: Precision(2, 2, 6),
    # FSDP keeps float32 and computes in bfloat16; AdamW's moments are float32 as well.
    VERL: Precision(4, 4, 8),
    # DeepSpeed: bfloat16 weights and gradients; weights and moments in float32 with the optimizer.
    SWIFT: Precision(2, 2, 12),
}

# Bytes that the loss needs for a logit. The reward trainers use flash-attn's cross entropy, which overwrites bfloat16
# logits by their gradient; 4 allows for one copy. ms-swift's GRPO keeps bfloat16 logits, their log-softmax and the
# gradient. The loss of transformers for SFT turns logits into float32: 2 + 4 + 4, and 2 for their gradient.
LOGIT_BYTES = {EASYR1: 4, VERL: 4, SWIFT: 6}
SFT_LOGIT_BYTES = 12


def lora_parameters(shape: Shape, rank: int) -> int:
    """Return the parameters of LoRA on all linear layers of the language model.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> lora_parameters(shape_of("8b"), 16)
        43646976
    """
    hidden, queries, keys, inner = shape.hidden, shape.queries, shape.keys, shape.intermediate
    ends = 2 * (hidden + queries) + 2 * (hidden + keys) + 3 * (hidden + inner)
    return shape.layers * rank * ends


def state_bytes(parameters: int, precision: Precision) -> int:
    """Return the bytes of weights, gradients and optimizer of so many trained parameters, on all GPUs together.

    Example:
        >>> state_bytes(1000, Precision(4, 4, 8))
        16000
    """
    return parameters * (precision.weights + precision.gradients + precision.optimizer)


@dataclass(frozen=True)
class Split:
    """How a plan uses the GPUs: what it decides, or what the profile ``paper`` prescribes.

    Attributes:
        tensor_parallel: GPUs of a rollout engine.
        gpu_memory: Share of a GPU that the engine takes (``gpu_memory_utilization``).
        batched_tokens: Tokens that the engine takes at once (``max_num_batched_tokens``).
        micro_batch: Full sequences that a GPU trains on at a time.
        offload: Whether weights and optimizer leave the GPU during rollouts.
        sharding: ``"full"``: weights, gradients and optimizer over all GPUs; ``"zero2"``: all but the weights;
            ``"zero3_offload"``: all, with the optimizer in the host's memory.
    """

    tensor_parallel: int
    gpu_memory: float
    batched_tokens: int
    micro_batch: int
    offload: bool
    sharding: str


@dataclass(frozen=True)
class Memory:
    """Bytes on each GPU.

    Attributes:
        weights: Of the model that is trained, as far as they are on this GPU.
        gradients: Its gradients.
        optimizer: The optimizer's states.
        gathered: Weights and gradients of the layers that are gathered from the other GPUs at a time.
        activations: Of the micro-batch, gaps included.
        encoder: DINOv2-L and its activations.
        reserve: What is left over for CUDA, NCCL and the sleeping engine.
        engine: What the rollout engine takes, its KV cache included.
        engine_weights: Its weights.
        engine_work: Its activations, graphs and workspaces.
        resident: What of the training stays on the GPU during rollouts.
    """

    weights: float
    gradients: float
    optimizer: float
    gathered: float
    activations: float
    encoder: float
    reserve: float
    engine: float
    engine_weights: float
    engine_work: float
    resident: float

    @property
    def training(self) -> float:
        """The most while the model is trained."""
        states = self.weights + self.gradients + self.optimizer
        return states + self.gathered + self.activations + self.encoder + self.reserve

    @property
    def rollout(self) -> float:
        """The most while responses are written; 0 without rollouts."""
        return self.engine and self.engine + self.resident + self.encoder + self.reserve

    @property
    def kv_cache(self) -> float:
        """What the engine has for keys and values; negative if it cannot start."""
        return self.engine - self.engine_weights - self.engine_work

    @property
    def peak(self) -> float:
        """The most at any time."""
        return max(self.training, self.rollout)


def micro_batch_tokens(run: Run, split: Split, rates: Rates) -> tuple[int, int]:
    """Return the most tokens of a micro-batch, and how many of them are of images.

    A micro-batch is as long as full sequences are. It holds either these, each with the largest image, or more of mean
    length with mean images, whichever has more of images.
    """
    length = run.max_length if run.stage == SFT else run.max_prompt + run.max_response
    mean = rates.row_tokens if run.stage == SFT else rates.prompt_tokens + rates.response_tokens
    tokens = length * split.micro_batch
    images = max(split.micro_batch * rates.max_image_tokens, tokens / mean * rates.image_tokens)
    return tokens, int(min(tokens, images))


def memory_of(run: Run, shape: Shape, split: Split, rates: Rates) -> Memory:
    """Return where the memory of a GPU goes.

    Args:
        run: What is planned.
        shape: The model.
        split: How the GPUs are used.
        rates: The assumptions.
    """
    precision = PRECISIONS[run.framework]
    trained = lora_parameters(shape, run.lora_rank) if run.lora_rank else shape.parameters
    total = shape.parameters + (trained if run.lora_rank else 0)
    zero2 = split.sharding == "zero2"
    weights = total * precision.weights / (1 if zero2 else run.gpus)
    gradients = trained * precision.gradients / run.gpus
    optimizer = 0.0 if split.sharding == "zero3_offload" else trained * precision.optimizer / run.gpus
    # The parts outside layers are gathered for the whole step, one layer is in use while the next is fetched.
    gathered = 2.0 * (shape.root_parameters + 2 * shape.layer_parameters)
    if trained == shape.parameters:
        gathered += 2.0 * (shape.root_parameters + shape.layer_parameters)
    if run.gpus == 1 or zero2:
        gathered = 0.0
    tokens, image_tokens = micro_batch_tokens(run, split, rates)
    logit_bytes = SFT_LOGIT_BYTES if run.stage == SFT else LOGIT_BYTES[run.framework]
    # ms-swift's GRPO asks the model for the logits of the responses only.
    answers = run.max_response * split.micro_batch if run.stage == RL and run.framework == SWIFT else None
    kept = activations(shape, tokens, image_tokens, logit_bytes=logit_bytes, logit_tokens=answers).peak
    if run.stage == SFT:
        zeros = {"encoder": 0.0, "engine": 0.0, "engine_weights": 0.0, "engine_work": 0.0, "resident": 0.0}
    else:
        work = rates.engine_overhead * GIB + split.batched_tokens * engine_bytes(shape) / split.tensor_parallel
        zeros = {
            "encoder": encoder_bytes(),
            "engine": split.gpu_memory * run.memory * GIB,
            "engine_weights": 2.0 * shape.parameters / split.tensor_parallel,
            "engine_work": work,
            "resident": 0.0 if split.offload else weights + optimizer,
        }
    return Memory(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        gathered=gathered,
        activations=kept * (1 + rates.fragmentation),
        reserve=rates.reserve * GIB,
        **zeros,
    )


def engine_bytes(shape: Shape) -> int:
    """Return what a rollout engine needs for each token that it takes at once.

    Nothing is kept for a backward pass, so it is what one layer makes of a token, or one block of a token's patches.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> engine_bytes(shape_of("8b"))
        215336
    """
    return max(layer_bytes(shape), shape.vision.patches_per_token * block_bytes(shape))


def encoder_bytes() -> float:
    """Return the memory of DINOv2-L in float16 with a batch of tiles.

    Example:
        >>> round(encoder_bytes() / GIB, 2)
        2.43
    """
    # Inference keeps one layer: six tensors of its width, and the 4 times wider inner layer twice; and the pixels.
    width, pixels = 1024 * 2, 3 * ENCODER_SIDE**2 * (1 + 2)
    return 2.0 * ENCODER_PARAMETERS + ENCODER_BATCH * (ENCODER_TOKENS * width * (6 + 2 * 4) + pixels)


def cached_sequences(run: Run, shape: Shape, split: Split, memory: Memory, tokens: float) -> float:
    """Return how many sequences of so many tokens the cache of one engine holds.

    Keys and values are split over the GPUs of an engine, but not below one head a GPU.
    """
    parts = min(split.tensor_parallel, shape.kv_heads)
    return max(0.0, memory.kv_cache) * parts / (tokens * shape.kv_bytes_per_token())


def host_bytes(run: Run, shape: Shape, split: Split) -> float:
    """Return the memory that a node needs for what leaves its GPUs."""
    precision = PRECISIONS[run.framework]
    trained = lora_parameters(shape, run.lora_rank) if run.lora_rank else shape.parameters
    if split.sharding == "zero3_offload":
        return trained * precision.optimizer / run.nodes
    if run.stage == SFT or not split.offload:
        return 0.0
    # A sleeping engine keeps its weights here, one copy for each GPU's share.
    engine = 2.0 * shape.parameters * run.local_gpus / split.tensor_parallel
    return (shape.parameters * precision.weights + trained * precision.optimizer) / run.nodes + engine
