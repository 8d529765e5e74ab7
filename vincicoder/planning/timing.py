"""How long a step and a run take. Everything here is computed; no GPU has been timed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vincicoder.planning.batches import batch_of
from vincicoder.planning.memory import Memory, Split, cached_sequences
from vincicoder.planning.models import Shape
from vincicoder.planning.settings import EASYR1, GPUS, SFT, SWIFT, VERL, Rates, Run

# DINOv2-L on a tile of 448 x 448 pixels: 2 operations for each of its parameters and each token, and attention. The
# last layer computes one token.
TILE_FLOPS = 0.6978e12

MAX_SEQUENCES = 1024  # max_num_seqs, the default of verl and EasyR1

HIDES_BEHIND = {
    VERL: "the writing",  # samples are scored one by one, while others are written
    EASYR1: "the old log-probabilities",  # the batch is scored while the trainer computes these
    SWIFT: "nothing",  # the batch is scored, and everybody waits
}
"""Which phase of a step goes on while the reward is computed.

Writing leaves a GPU's arithmetic nearly idle, so the encoder fits beside it. Log-probabilities do not: each GPU has the
encoder as well, and takes as long as both need.
"""


def forward_flops(shape: Shape, tokens: float, image_tokens: float) -> float:
    """Return the operations of one forward pass over one sequence.

    Args:
        shape: The model.
        tokens: Tokens of the sequence, those of its image included.
        image_tokens: Those of its image.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> round(forward_flops(shape_of("8b"), 3500, 1024) / 1e12, 1)
        62.4
    """
    vision, patches = shape.vision, image_tokens * shape.vision.patches_per_token
    # The embedding is a look-up, the output layer is not; a tied one is counted once as it is.
    linear = 2.0 * (shape.layers * shape.layer_parameters + shape.vocabulary * shape.hidden)
    attention = 2.0 * shape.layers * shape.queries * tokens  # two products over half of the earlier tokens each
    tower = 2.0 * vision.depth * shape.block_parameters + 4.0 * vision.hidden * vision.seen(patches)
    pixels = 2.0 * vision.channels * vision.temporal_patch * vision.patch**2 * vision.hidden
    merger = 2.0 * vision.hidden * (vision.hidden * vision.merge**2 + vision.out_hidden)
    return tokens * (linear + attention) + patches * (tower + pixels + (1 + vision.deepstack) * merger)


def update_passes(run: Run) -> int:
    """Return the forward passes that one update costs: forward, recomputation, and backward, which counts twice.

    Without gradients of the frozen weights, backward counts once.
    """
    return 3 if run.lora_rank else 4


@dataclass(frozen=True)
class Decoding:
    """How the rollout engines write.

    Attributes:
        at_once: Responses that an engine writes at a time.
        tokens_per_second: Tokens per second and GPU.
        alone: Seconds for each token of a response that is alone.
    """

    at_once: float
    tokens_per_second: float
    alone: float


def decoding_of(run: Run, shape: Shape, split: Split, memory: Memory, rates: Rates) -> Decoding:
    """Return how fast the engines write: each token reads all weights, and the cache of all responses under way."""
    parallel = split.tensor_parallel
    lost = rates.tensor_parallel_efficiency ** math.log2(parallel)
    bandwidth = GPUS[run.gpu].bandwidth * 1e9 * parallel * rates.bandwidth_utilisation * lost
    length = rates.prompt_tokens + rates.response_tokens
    responses = run.batch_size * run.group * parallel / run.gpus
    at_once = min(responses, MAX_SEQUENCES, cached_sequences(run, shape, split, memory, length))
    read = 2.0 * (shape.text_parameters - (0 if shape.tied else shape.vocabulary * shape.hidden))
    cache = shape.kv_bytes_per_token() * (rates.prompt_tokens + rates.response_tokens / 2)
    flops = forward_flops(shape, 1, 0) / (parallel * GPUS[run.gpu].tflops * 1e12)
    step = max((read + at_once * cache) / bandwidth, at_once * flops)
    written = rates.rollout_tokens_per_second or at_once / step / parallel
    return Decoding(at_once, written, (read + cache) / bandwidth)


@dataclass(frozen=True)
class Step:
    """The seconds of a step, phase by phase.

    Attributes:
        prefill: Reading the prompts, each once for its group.
        writing: Writing the responses, at the engines' speed or that of the longest one.
        old: Computing the log-probabilities before the update.
        update: The update.
        moving: Moving weights and optimizer off the GPU and back, and new weights to the engines.
        rendering: CPU time of the renders over all cores.
        scoring: What the process that scores does on each node, one response after the other.
        encoding: The encoder's time, on all GPUs.
        waiting: What the reward adds to the other phases.
    """

    prefill: float
    writing: float
    old: float
    update: float
    moving: float
    rendering: float
    scoring: float
    encoding: float
    waiting: float

    @property
    def total(self) -> float:
        """Seconds of the whole step."""
        return self.prefill + self.writing + self.old + self.update + self.moving + self.waiting


def step_of(run: Run, shape: Shape, split: Split, memory: Memory, rates: Rates) -> Step:
    """Return the seconds of one step of reinforcement learning."""
    compute = run.gpus * GPUS[run.gpu].tflops * 1e12
    useful = compute * rates.flops_utilisation
    responses = run.batch_size * run.group
    length = rates.prompt_tokens + rates.response_tokens
    sequence = forward_flops(shape, length, rates.image_tokens)
    decoding = decoding_of(run, shape, split, memory, rates)
    rate = run.gpus * decoding.tokens_per_second
    bulk = responses * rates.response_tokens / rate if rate else math.inf
    writing = max(bulk, run.max_response * decoding.alone)  # one response in a large batch runs to the limit
    old = responses * sequence / useful  # all three trainers compute them, one forward pass
    rendering, scoring, encoding = reward_seconds(run, rates)
    on_cpus = max(rendering, scoring)
    waiting = {
        VERL: max(0.0, max(on_cpus, encoding) - writing),
        EASYR1: max(on_cpus, old + encoding) - old,
        SWIFT: max(on_cpus, encoding),
    }
    return Step(
        prefill=run.batch_size * forward_flops(shape, rates.prompt_tokens, rates.image_tokens) / useful,
        writing=writing,
        old=old,
        update=update_passes(run) * responses * sequence / useful,
        moving=_moving_seconds(run, shape, split, memory, rates),
        rendering=rendering,
        scoring=scoring,
        encoding=encoding,
        waiting=waiting[run.framework],
    )


def mean_render_seconds(rates: Rates) -> float:
    """Return the mean CPU time of a render, those that hang included.

    Example:
        >>> round(mean_render_seconds(Rates()), 3)
        0.278
    """
    return (1 - rates.hanging_share) * rates.render_cpu_seconds + rates.hanging_share * rates.cpu_limit


def reward_seconds(run: Run, rates: Rates) -> tuple[float, float, float]:
    """Return the seconds that a step's renders take all cores, scoring takes each node, and tiles take all GPUs."""
    responses = run.batch_size * run.group
    rendering = responses * mean_render_seconds(rates) / (run.nodes * run.cpus)
    if rates.hanging_share:
        rendering = max(rendering, rates.cpu_limit)  # no core is faster than the limit
    scoring = responses * rates.scorer_seconds / run.nodes
    encoders = run.gpus * GPUS[run.gpu].tflops * 1e12 * rates.encoder_utilisation
    # A target is embedded once for its group.
    return rendering, scoring, (responses + run.batch_size) * rates.tiles * TILE_FLOPS / encoders


def cores_to_hide(run: Run, step: Step, rates: Rates) -> int | None:
    """Return with how many cores a node the renders add nothing to a step; None if a single one that hangs does."""
    # What is there anyhow, of the reward itself or of the step.
    hidden = {VERL: step.writing, EASYR1: step.old + step.encoding, SWIFT: step.encoding}[run.framework]
    hidden = max(hidden, step.scoring)
    if rates.hanging_share and hidden < rates.cpu_limit:
        return None
    return math.ceil(run.batch_size * run.group * mean_render_seconds(rates) / run.nodes / hidden)


def _moving_seconds(run: Run, shape: Shape, split: Split, memory: Memory, rates: Rates) -> float:
    speed = rates.offload_gb_per_second * 1e9
    states = 2 * (memory.weights + memory.optimizer) if split.offload else 0.0  # there and back
    return (states + 2.0 * shape.parameters / split.tensor_parallel) / speed


def sft_seconds(run: Run, shape: Shape, rates: Rates) -> float:
    """Return the seconds of one update of supervised fine-tuning."""
    useful = run.gpus * GPUS[run.gpu].tflops * 1e12 * rates.flops_utilisation
    rows = batch_of(run, rates).rows
    return update_passes(run) * rows * forward_flops(shape, rates.row_tokens, rates.image_tokens) / useful


def steps_of(run: Run, rates: Rates) -> int:
    """Return the steps of the whole run: of reinforcement learning by prompts, of SFT by packed sequences.

    Example:
        >>> steps_of(Run(), Rates()), steps_of(Run(stage="sft"), Rates())
        (164, 13428)
    """
    rows = run.row_count * run.epochs
    if run.stage == SFT:
        return math.ceil(rows * rates.row_tokens / batch_of(run, rates).tokens)
    return max(1, int(rows / run.batch_size))
