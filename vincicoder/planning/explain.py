"""The formulas of a plan, with its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from vincicoder.planning.activations import block_bytes, layer_bytes
from vincicoder.planning.memory import (
    ENCODER_BATCH,
    ENCODER_PARAMETERS,
    GIB,
    LOGIT_BYTES,
    PRECISIONS,
    SFT_LOGIT_BYTES,
    engine_bytes,
    lora_parameters,
    micro_batch_tokens,
)
from vincicoder.planning.plan import Plan
from vincicoder.planning.settings import GPUS, SFT
from vincicoder.planning.timing import TILE_FLOPS, decoding_of, forward_flops, mean_render_seconds, update_passes


def formulas(plan: Plan) -> Iterator[str]:
    """Yield each formula with the numbers of the plan and what comes out, a line each."""
    yield from _of_the_model(plan)
    yield from _of_memory(plan)
    if plan.run.stage == SFT:
        yield from _of_sft(plan)
        return
    yield from _of_the_engine(plan)
    yield from _of_the_step(plan)
    yield from _of_the_reward(plan)


def _of_the_model(plan: Plan) -> Iterator[str]:
    shape, vision = plan.shape, plan.shape.vision
    yield (
        f"parameters = {shape.layers} layers x {shape.layer_parameters:,} + embeddings {shape.embedding_parameters:,} "
        f"+ norm {shape.hidden:,} + vision {shape.vision_parameters:,} = {shape.parameters:,}"
    )
    yield (
        f"KV cache a token = 2 x {shape.layers} layers x {shape.kv_heads} heads x {shape.head_size} x 2 bytes "
        f"= {shape.kv_bytes_per_token() / 1024:g} KiB"
    )
    yield f"patches = {vision.patches_per_token} for each token of an image, of {vision.patch} x {vision.patch} pixels"


def _of_memory(plan: Plan) -> Iterator[str]:
    run, shape, memory, split = plan.run, plan.shape, plan.memory, plan.split
    precision = PRECISIONS[run.framework]
    trained = lora_parameters(shape, run.lora_rank) if run.lora_rank else shape.parameters
    shared = 1 if split.sharding == "zero2" else run.gpus
    yield f"weights = {precision.weights} bytes x parameters / {shared} = {memory.weights / GIB:.1f} GiB"
    yield f"gradients = {precision.gradients} x {trained:,} trained / {run.gpus} = {memory.gradients / GIB:.1f} GiB"
    kept = "in the host's memory" if split.sharding == "zero3_offload" else f"/ {run.gpus}"
    yield f"optimizer = {precision.optimizer} x {trained:,} trained {kept} = {memory.optimizer / GIB:.1f} GiB"
    yield (
        f"gathered = 2 x ({shape.root_parameters:,} outside layers + 2 layers), and their gradients "
        f"= {memory.gathered / GIB:.1f} GiB; 0 with one GPU, or with whole weights on each"
    )
    tokens, images = micro_batch_tokens(run, split, plan.rates)
    logit = SFT_LOGIT_BYTES if run.stage == SFT else LOGIT_BYTES[run.framework]
    yield (
        f"activations = inputs of all layers, 2 x {shape.hidden:,} bytes a token, and of all blocks, 2 x "
        f"{shape.vision.hidden:,} a patch; and the larger of one layer, {layer_bytes(shape):,} bytes a token, and the "
        f"logits, {logit} x {shape.vocabulary:,} a token; a block has {block_bytes(shape):,} a patch"
    )
    yield (
        f"  for {tokens:,} tokens, {images:,} of images, and {plan.rates.fragmentation:.0%} for gaps "
        f"= {memory.activations / GIB:.1f} GiB"
    )


def _of_sft(plan: Plan) -> Iterator[str]:
    run, rates = plan.run, plan.rates
    each = forward_flops(plan.shape, rates.row_tokens, rates.image_tokens)
    rows, sequences = plan.batch.rows, plan.batch.sequences
    yield f"operations of a row, forward = {each / 1e12:.1f} TFLOP for {rates.row_tokens:g} tokens"
    yield (
        f"update = {update_passes(run)} passes x {rows:,.0f} rows x {each / 1e12:.1f} TFLOP / ({run.gpus} x "
        f"{GPUS[run.gpu].tflops:g} TFLOP/s x {rates.flops_utilisation:g}) = {plan.step_seconds:.1f} s"
    )
    yield (
        f"updates = {run.row_count:,} rows x {run.epochs:g} x {rates.row_tokens:g} tokens / ({sequences} x "
        f"{run.packed:,}) = {plan.steps:,}"
    )


def _of_the_engine(plan: Plan) -> Iterator[str]:
    run, shape, memory, split, rates = plan.run, plan.shape, plan.memory, plan.split, plan.rates
    yield f"engine = {split.gpu_memory:g} x {run.memory:g} GiB = {memory.engine / GIB:.1f} GiB"
    yield f"  weights = 2 x parameters / {split.tensor_parallel} = {memory.engine_weights / GIB:.1f} GiB"
    yield (
        f"  work = {rates.engine_overhead:g} GiB + {split.batched_tokens:,} tokens x {engine_bytes(shape):,} bytes / "
        f"{split.tensor_parallel} = {memory.engine_work / GIB:.1f} GiB"
    )
    yield (
        f"  sequences of {run.max_prompt + run.max_response:,} tokens = {memory.kv_cache / GIB:.1f} GiB x "
        f"{min(split.tensor_parallel, shape.kv_heads)} / (tokens x {shape.kv_bytes_per_token() / 1024:g} KiB) "
        f"= {plan.full_sequences:.1f}"
    )
    decoding = decoding_of(run, shape, split, memory, rates)
    if rates.rollout_tokens_per_second is None:
        yield (
            f"tokens/s a GPU = {decoding.at_once:.0f} at a time / seconds of a token / {split.tensor_parallel}; a "
            f"token reads all weights and each sequence's cache at {GPUS[run.gpu].bandwidth:g} GB/s x "
            f"{split.tensor_parallel} x {rates.bandwidth_utilisation:g} x {rates.tensor_parallel_efficiency:g} a "
            f"doubling = {decoding.tokens_per_second:,.0f}"
        )


def _of_the_step(plan: Plan) -> Iterator[str]:
    run, rates, step = plan.run, plan.rates, plan.step
    assert step is not None
    decoding = decoding_of(run, plan.shape, plan.split, plan.memory, rates)
    responses = run.batch_size * run.group
    each = forward_flops(plan.shape, rates.prompt_tokens + rates.response_tokens, rates.image_tokens)
    useful = f"({run.gpus} x {GPUS[run.gpu].tflops:g} TFLOP/s x {rates.flops_utilisation:g})"
    yield (
        f"write = the larger of {responses:,} x {rates.response_tokens:g} tokens / ({run.gpus} x "
        f"{decoding.tokens_per_second:,.0f}/s), and {run.max_response:,} tokens x {decoding.alone * 1e3:.1f} ms "
        f"= {step.writing:.0f} s"
    )
    yield (
        f"old = {responses:,} x {each / 1e12:.1f} TFLOP / {useful} = {step.old:.0f} s; "
        f"update = {update_passes(run)} times as much = {step.update:.0f} s"
    )
    yield f"steps = {run.row_count:,} rows x {run.epochs:g} / {run.batch_size} = {plan.steps:,}"


def _of_the_reward(plan: Plan) -> Iterator[str]:
    run, rates, step, memory = plan.run, plan.rates, plan.step, plan.memory
    assert step is not None
    responses = run.batch_size * run.group
    yield (
        f"render = {1 - rates.hanging_share:g} x {rates.render_cpu_seconds:g} s + {rates.hanging_share:g} x "
        f"{rates.cpu_limit:g} s = {mean_render_seconds(rates):.3f} CPU s"
    )
    yield (
        f"renders = {responses:,} x {mean_render_seconds(rates):.3f} s / ({run.nodes} x {run.cpus} cores), at least "
        f"the limit if any hangs = {step.rendering:.1f} s"
    )
    yield f"score = {responses:,} x {rates.scorer_seconds:g} s / {run.nodes} = {step.scoring:.1f} s"
    yield (
        f"tiles = ({responses:,} responses + {run.batch_size} targets) x {rates.tiles:g} x {TILE_FLOPS / 1e12:g} TFLOP "
        f"/ ({run.gpus} x {GPUS[run.gpu].tflops:g} TFLOP/s x {rates.encoder_utilisation:g}) = {step.encoding:.1f} s"
    )
    yield (
        f"encoder = 2 bytes x {ENCODER_PARAMETERS:,} + activations of {ENCODER_BATCH} tiles "
        f"= {memory.encoder / GIB:.1f} GiB"
    )
