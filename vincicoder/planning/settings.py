"""What a plan is made for, and the rates that it rests on: each is a flag, with its source or its reasoning."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from vincicoder.errors import ConfigError
from vincicoder.options import Config, option
from vincicoder.planning.measured import RENDER_SECONDS, SCORER_SECONDS
from vincicoder.planning.release import RELEASE
from vincicoder.rendering.config import Limits

RL, SFT = "rl", "sft"
EASYR1, VERL, SWIFT = "easyr1", "verl", "swift"
ROWS, TOKENS, SEQUENCES = "rows", "tokens", "sequences"


@dataclass(frozen=True)
class Gpu:
    """What a data sheet says of a GPU.

    Attributes:
        memory: GiB.
        tflops: Dense bfloat16 operations a second, in units of 10^12.
        bandwidth: Of its memory, in GB/s.
    """

    memory: float
    tflops: float
    bandwidth: float


GPUS = {  # published: NVIDIA's data sheets, without sparsity; of the memory, what the driver shows
    "a100": Gpu(80, 312, 2039),
    "h100": Gpu(80, 989, 3350),
    "h200": Gpu(140, 989, 4800),
    "l40s": Gpu(45, 362, 864),
    "4090": Gpu(24, 165, 1008),
}


@dataclass(frozen=True)
class Run(Config):
    """The run that is planned. None stands for what the example script of the trainer has.

    Example:
        >>> Run(gpus=16).nodes
        2
    """

    gpus: int = option(8, help="GPUs of the run", minimum=1)
    gpus_per_node: int = option(8, help="GPUs of a node", minimum=1)
    gpu: str = option("h100", help="kind of GPU, for its memory and speed", choices=tuple(GPUS))
    gpu_memory: float | None = option(None, help="memory of a GPU, in GiB", above=0, shown="that of the kind")
    model: str = option("8b", help="2b, 4b, 8b, 32b, 3b, 7b, a full name, or a directory with config.json")
    stage: str = option(RL, help="reinforcement learning or supervised fine-tuning", choices=(RL, SFT))
    trainer: str | None = option(
        None, help="trainer of the run", choices=(EASYR1, VERL, SWIFT), shown="easyr1 for rl, swift for sft"
    )
    profile: str = option(
        "paper", help="the release's settings, or those that use the GPUs best", choices=("paper", "fast")
    )
    batch: int | None = option(
        None, help="prompts of a step; for sft, what batch_unit says", minimum=1, shown="256; 128 for sft"
    )
    batch_unit: str = option(
        ROWS, help="what the batch of an update counts, for sft", choices=(ROWS, TOKENS, SEQUENCES)
    )
    group: int = option(RELEASE.responses, help="responses for each prompt", minimum=1)
    micro_batch: int | None = option(
        None, help="full sequences that a GPU takes at a time", minimum=1, shown="the script's"
    )
    max_prompt: int = option(RELEASE.max_prompt, help="longest prompt, in tokens", minimum=1)
    max_response: int = option(RELEASE.max_response, help="longest response, in tokens", minimum=1)
    max_length: int = option(16384, help="longest row, in tokens, for sft", minimum=1)
    pack_length: int | None = option(
        None, help="tokens of a packed sequence, for sft; a longer row is one by itself", minimum=1, shown="max_length"
    )
    rows: int | None = option(None, help="rows of data", minimum=1, shown="42,000; 1,600,000 for sft")
    epochs: int = option(RELEASE.epochs, help="passes over the data", minimum=1)
    lora_rank: int = option(0, help="rank of LoRA on the language model; 0 trains all parameters", minimum=0)
    sharding: str | None = option(
        None, help="DeepSpeed's way, for ms-swift", choices=("zero2", "zero3", "zero3_offload"), shown="the script's"
    )
    checkpoints: int | None = option(None, help="checkpoints that are kept", minimum=1, shown="the script's")
    cpus: int = option(RELEASE.reward_cpus, help="CPU cores of a node that can render", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gpus > self.gpus_per_node and self.gpus % self.gpus_per_node:
            raise ConfigError(
                f"gpus is {self.gpus}; expected a multiple of gpus_per_node, which is {self.gpus_per_node}"
            )
        if self.sharding and self.framework != SWIFT:
            raise ConfigError(f"sharding is {self.sharding!r}, which is DeepSpeed's; expected trainer {SWIFT}")
        if self.stage == RL and self.batch_unit != ROWS:
            raise ConfigError(
                f"batch_unit is {self.batch_unit!r}; expected {ROWS}, or stage {SFT}, as rl counts prompts"
            )
        if self.packed > self.max_length:
            raise ConfigError(
                f"pack_length is {self.pack_length}; expected at most max_length, which is {self.max_length}"
            )
        if self.stage == SFT and self.trainer not in (None, SWIFT):
            raise ConfigError(f"trainer is {self.trainer!r}; expected {SWIFT}, as the scripts for sft are ms-swift's")

    @property
    def nodes(self) -> int:
        """Nodes of the run."""
        return max(1, self.gpus // self.gpus_per_node)

    @property
    def local_gpus(self) -> int:
        """GPUs on each node."""
        return min(self.gpus, self.gpus_per_node)

    @property
    def framework(self) -> str:
        """The trainer, by default that of the release."""
        return self.trainer or (EASYR1 if self.stage == RL else SWIFT)

    @property
    def memory(self) -> float:
        """Memory of a GPU in GiB."""
        return self.gpu_memory or GPUS[self.gpu].memory

    @property
    def packed(self) -> int:
        """Tokens that a packed sequence is filled with, for SFT."""
        return self.pack_length or self.max_length

    @property
    def batch_size(self) -> int:
        """Prompts of a step; for SFT, what was asked for in ``batch_unit``."""
        return self.batch or (RELEASE.prompts if self.stage == RL else 128)

    @property
    def row_count(self) -> int:
        """Rows of data: the sizes of the paper's sets."""
        return self.rows or (42_000 if self.stage == RL else 1_600_000)


@dataclass(frozen=True)
class Rates(Config):
    """The rates that hours and memory follow from. Nobody has measured them together on a GPU.

    "assumed" marks what has only reasoning behind it, which stands in a comment.

    Example:
        >>> Rates(rollout_tokens_per_second=1500).render_cpu_seconds
        0.08
    """

    # Assumed. The 1.6M rows are some 3.5 billion tokens by the project's estimate: 2,200 a row with its image, so
    # about 1,000 of code. Responses in RL are longer than references as long as some of them do not end.
    response_tokens: float = option(2000.0, help="mean response; assumed", unit="tokens", above=0)
    prompt_tokens: float = option(1500.0, help="mean prompt with its image; assumed", unit="tokens", above=0)
    # Assumed: between the 256 and 4,096 that the paper's limits of pixels allow; 1,024 is an image of 1024 x 1024.
    image_tokens: float = option(1024.0, help="mean image; assumed", unit="tokens", minimum=0)
    max_image_tokens: int = option(4096, help="largest image; the paper's limit", unit="tokens", minimum=0)
    row_tokens: float = option(2200.0, help="mean row for sft, with its image; estimated", unit="tokens", above=0)
    # Assumed. Share of the peak, recomputation counted as work. Sharded training of long sequences reaches 0.35 to
    # 0.45 where the network keeps up; images of unequal size and uneven batches cost some of it. One public report of
    # multimodal GRPO has 0.03 (verl issue 7203), so a new set-up can be ten times slower than this plan.
    flops_utilisation: float = option(0.35, help="share of peak FLOP/s in training; assumed", above=0, maximum=1)
    # Assumed, near a published figure: vLLM 0.30 with Qwen3-8B in bfloat16 on one H100 gave 13,322 tokens/s with 396
    # users (128 in, 1,024 out) and 2,815 with 40 users (2,048 in, 2,048 out), which is 0.54 and 0.73 of what the
    # bandwidth allows (silybench-data, 24 September 2026).
    bandwidth_utilisation: float = option(
        0.5, help="share of memory bandwidth in decoding; assumed", above=0, maximum=1
    )
    rollout_tokens_per_second: float | None = option(
        None, help="tokens that rollouts write per second and GPU", above=0, shown="computed from the bandwidth"
    )
    # Assumed: two all-reduces a layer over NVLink cost about a tenth at each doubling.
    tensor_parallel_efficiency: float = option(
        0.9, help="speed kept at each doubling of tensor parallel; assumed", above=0, maximum=1
    )
    render_cpu_seconds: float = option(
        round(statistics.mean(RENDER_SECONDS.values()), 3),
        help="CPU time of a render that ends, all languages alike; measured", unit="s", above=0,
    )  # fmt: skip
    # The higher of the two measured ones: on Ray it is 2.0 ms.
    scorer_seconds: float = option(
        SCORER_SECONDS, help="what the process that scores does for a response, one after the other; measured",
        unit="s", above=0,
    )  # fmt: skip
    # Assumed, as benchmarks/cluster_simulation.py does.
    hanging_share: float = option(
        0.02, help="share of responses that run into the CPU limit; assumed", minimum=0, maximum=1
    )
    # The default of `vincicoder.rendering.Limits`.
    cpu_limit: float = option(Limits.cpu_seconds, help="CPU limit of a render", unit="s", above=0)
    # Assumed, as benchmarks/cluster_simulation.py does: 8 tiles and the thumbnail; at most 13.
    tiles: float = option(9.0, help="tiles of an image, its thumbnail included; assumed", above=0)
    encoder_utilisation: float = option(0.45, help="share of peak FLOP/s in the encoder; assumed", above=0, maximum=1)
    # Assumed: half of what PCIe 5.0 x16 has.
    offload_gb_per_second: float = option(25.0, help="GB/s between GPU and host; assumed", above=0)
    # Assumed: CUDA context 0.5, NCCL's buffers 1, what a sleeping engine keeps 1.5.
    reserve: float = option(3.0, help="memory that neither model nor engine names; assumed", unit="GiB", minimum=0)
    # Assumed: PyTorch's allocator cannot use all that it holds when lengths vary.
    fragmentation: float = option(0.1, help="activations' memory lost to gaps; assumed", minimum=0)
    # Assumed: CUDA graphs and workspaces of vLLM.
    engine_overhead: float = option(2.0, help="memory of a rollout engine per GPU beside weights, cache and "
                                    "activations; assumed", unit="GiB", minimum=0)  # fmt: skip
