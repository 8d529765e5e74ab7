"""The plan of a run: how its GPUs are used, whether it fits, how long it takes, and what would fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from vincicoder.errors import ConfigError
from vincicoder.planning.batches import Batch, batch_of
from vincicoder.planning.memory import GIB, Memory, Split, cached_sequences, memory_of, micro_batch_tokens
from vincicoder.planning.models import Shape, shape_of
from vincicoder.planning.release import RELEASE
from vincicoder.planning.settings import EASYR1, RL, SFT, SWIFT, Rates, Run
from vincicoder.planning.timing import Step, sft_seconds, step_of, steps_of

PARALLEL = (1, 2, 4, 8)
HIGHEST_SHARE = 0.85  # of a GPU for the engine; the rest is for moments when both hold memory
MARGIN = 0.08  # of a GPU that a plan leaves free where it chooses, as it may be wrong by as much


@dataclass(frozen=True)
class Plan:
    """What is known of a run before it starts. Its hours are computed, not measured.

    Attributes:
        run: What was planned.
        rates: The assumptions.
        shape: The model.
        split: How the GPUs are used.
        memory: Where the memory of a GPU goes.

    Example:
        >>> plan = make_plan(Run(gpus=16))
        >>> plan.fits, plan.steps, plan.split.tensor_parallel
        (True, 164, 4)
    """

    run: Run
    rates: Rates
    shape: Shape
    split: Split
    memory: Memory

    @cached_property
    def step(self) -> Step | None:
        """The seconds of a step; None for SFT."""
        if self.run.stage == SFT:
            return None
        return step_of(self.run, self.shape, self.split, self.memory, self.rates)

    @property
    def batch(self) -> Batch:
        """The batch of an update, for SFT."""
        return batch_of(self.run, self.rates)

    @property
    def step_seconds(self) -> float:
        """The seconds of a step or an update."""
        return self.step.total if self.step else sft_seconds(self.run, self.shape, self.rates)

    @property
    def steps(self) -> int:
        """Steps of the run."""
        return steps_of(self.run, self.rates)

    @property
    def hours(self) -> float:
        """Hours of the run, without its start and its checkpoints."""
        return self.steps * self.step_seconds / 3600

    @property
    def timed(self) -> bool:
        """Whether it has hours: not if the rollout engine has no cache."""
        return math.isfinite(self.step_seconds)

    @property
    def full_sequences(self) -> float:
        """Sequences of full length that the cache of an engine holds."""
        return cached_sequences(
            self.run, self.shape, self.split, self.memory, self.run.max_prompt + self.run.max_response
        )

    @property
    def problems(self) -> list[str]:
        """Return why it does not fit, one sentence each; empty if it fits."""
        run, split, memory = self.run, self.split, self.memory
        limit = run.memory * GIB
        found = []
        if memory.training > limit:
            found.append(f"training needs {_gib(memory.training)} of {run.memory:g} GiB on each GPU")
        if run.stage == RL:
            if memory.rollout > limit:
                found.append(f"rollouts need {_gib(memory.rollout)} of {run.memory:g} GiB on each GPU")
            if self.full_sequences < 1:
                found.append(
                    f"the rollout engine has {_gib(memory.engine)} on each GPU, and no room in it for one sequence of "
                    f"{run.max_prompt + run.max_response:,} tokens"
                )
            for count, what in ((run.local_gpus, "GPUs of a node"), (self.shape.heads, "attention heads")):
                if count % split.tensor_parallel:
                    found.append(f"tensor parallel {split.tensor_parallel} does not divide the {what} ({count})")
        sequences = run.batch_size * run.group if run.stage == RL else self.batch.sequences
        share = run.gpus * (split.micro_batch if run.framework == SWIFT else 1)
        if sequences % share:
            found.append(f"{sequences:,} sequences of a step are no multiple of {share}, what the GPUs take at a time")
        return found

    @property
    def fits(self) -> bool:
        """Whether nothing stands against it."""
        return not self.problems


def make_plan(run: Run, rates: Rates | None = None) -> Plan:
    """Plan a run.

    Args:
        run: What to plan.
        rates: The assumptions; None for the defaults.

    Raises:
        ConfigError: The model is not known.

    Example:
        >>> make_plan(Run(gpus=8, model="32b", trainer="verl")).fits
        False
    """
    rates = rates or Rates()
    shape = shape_of(run.model)
    plans = [
        Plan(run, rates, shape, split, memory_of(run, shape, split, rates)) for split in _splits(run, shape, rates)
    ]
    # Those that fit first, and of these the quickest; else the one that misses least.
    return min(plans, key=lambda plan: (not plan.fits, plan.step_seconds if plan.fits else plan.memory.peak))


def nearest(plan: Plan) -> tuple[str, Plan] | None:
    """Return the smallest change after which a plan fits, in words and as a plan; None if none was found.

    What leaves the training as it is comes first, then more GPUs, LoRA, shorter texts and a smaller model.

    Example:
        >>> words, changed = nearest(make_plan(Run(gpus=1)))
        >>> words
        '--gpus 2 --profile fast'
    """
    for changes in _changes(plan):
        try:
            changed = make_plan(replace(plan.run, **changes), plan.rates)  # type: ignore[arg-type]
        except ConfigError:  # such as 12 GPUs on nodes of 8
            continue
        if changed.fits:
            return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in changes.items()), changed
    return None


def _splits(run: Run, shape: Shape, rates: Rates) -> Iterator[Split]:
    sharding = run.sharding or ("zero2" if run.stage == SFT else "zero3") if run.framework == SWIFT else "full"
    if run.stage == SFT:
        yield Split(1, 0.0, 0, run.micro_batch or 1, False, sharding)
        return
    length = run.max_prompt + run.max_response
    if run.profile == "paper":
        # EasyR1's engine has room for one more prompt, as in the release; verl's and vLLM's own for what is longest.
        spare = RELEASE.batched_tokens - RELEASE.max_prompt - RELEASE.max_response
        batched = length + (spare if run.framework == EASYR1 else 0)
        micro = run.micro_batch or (2 if run.framework == SWIFT else 1)
        yield Split(RELEASE.tensor_parallel, RELEASE.gpu_memory, batched, micro, RELEASE.offload, sharding)
        return
    # EasyR1's engine takes a prompt as a whole; in pieces, a long image must still go in at once.
    batched = length if run.framework == EASYR1 else max(8192, run.max_prompt)
    possible = [each for each in PARALLEL if run.local_gpus % each == 0 and shape.heads % each == 0]
    for parallel in possible:
        for micro in (run.micro_batch,) if run.micro_batch else (2, 1) if run.framework == SWIFT else (1,):
            for offload in (False, True):
                split = Split(parallel, 0.0, batched, micro, offload, sharding)
                memory = memory_of(run, shape, split, rates)
                free = 1 - (memory.resident + memory.encoder + memory.reserve) / (run.memory * GIB)
                share = min(HIGHEST_SHARE, math.floor((free - MARGIN) * 100) / 100)
                yield replace(split, gpu_memory=max(0.05, share))


def _changes(plan: Plan) -> Iterator[dict[str, object]]:
    run = plan.run
    fast: dict[str, object] = {"profile": "fast"} if run.stage == RL and run.profile == "paper" else {}
    if fast:
        yield fast
    if run.framework == SWIFT and plan.split.micro_batch > 1:
        yield {"micro_batch": 1}
    if run.framework == SWIFT:
        for sharding in ("zero3", "zero3_offload"):
            yield {"sharding": sharding, "micro_batch": 1, **fast}
    for times in (2, 4, 8, 16):
        yield {"gpus": run.gpus * times}
        yield {"gpus": run.gpus * times, **fast}
    if not run.lora_rank:
        yield {"lora_rank": 64, **fast}
    for length in (8192, 4096, 2048):
        longest = "max_length" if run.stage == SFT else "max_response"
        if length < getattr(run, longest):
            yield {longest: length, **fast}
    for model in ("4b", "3b", "2b"):
        if shape_of(model).parameters < plan.shape.parameters:
            yield {"model": model, **fast}


def _gib(count: float) -> str:
    return f"{count / GIB:.1f}"


def split_in_words(plan: Plan) -> str:
    """Return the batch split as one line."""
    run, split = plan.run, plan.split
    tokens, images = micro_batch_tokens(run, split, plan.rates)
    if run.stage == SFT:
        sequences = plan.batch.sequences
        steps = sequences / (run.gpus * split.micro_batch)
        return (
            f"{sequences} packed sequences = {run.gpus} GPUs x {split.micro_batch} at a time x {steps:g} accumulated; "
            f"at a time at most {tokens:,} tokens, {images:,} of images"
        )
    responses = run.batch_size * run.group
    return (
        f"{run.batch_size} prompts x {run.group} responses = {responses:,} on {run.gpus} GPU{'s' * (run.gpus > 1)}, "
        f"{responses / run.gpus:,g} each; at a time at most {tokens:,} tokens, {images:,} of images"
    )
