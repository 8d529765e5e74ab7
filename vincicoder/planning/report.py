"""A plan as text, with its formulas if asked, and as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import Any

from vincicoder.planning.memory import GIB, cached_sequences, host_bytes
from vincicoder.planning.plan import MARGIN, Plan, nearest, split_in_words
from vincicoder.planning.sensitivity import Effect, effects_of
from vincicoder.planning.settings import SFT
from vincicoder.planning.storage import checkpoint_bytes, disk_bytes, kept_checkpoints, node_bytes
from vincicoder.planning.timing import HIDES_BEHIND, cores_to_hide, decoding_of, mean_render_seconds

TOLERATED = 1.25  # times that a batch may differ from what was asked for before a plan remarks on it
SHOWN = 0.001  # of hours or memory; rates that change less are named without numbers


def verdict(plan: Plan) -> str:
    """Return in one or two sentences whether a plan fits, and if not, what would.

    Example:
        >>> from vincicoder.planning.plan import make_plan
        >>> from vincicoder.planning.settings import Run
        >>> print(verdict(make_plan(Run(model="32b", trainer="verl"))))
        It does not fit: training needs 100.6 of 80 GiB on each GPU. The nearest change that fits: --gpus 16.
    """
    if plan.fits:
        share = plan.memory.peak / (plan.run.memory * GIB)
        if share > 1 - MARGIN:
            return f"It fits, but tightly: {share:.0%} of the memory is planned for, and the plan may be wrong by more."
        return f"It fits: {share:.0%} of the memory is planned for at the most."
    found = nearest(plan)
    change = f"The nearest change that fits: {found[0]}." if found else "No change that was tried fits."
    return f"It does not fit: {'; '.join(plan.problems)}. {change}"


def text_of(plan: Plan, explain: bool = False) -> str:
    """Return a plan as people read it.

    Args:
        plan: The plan.
        explain: Add the formulas with their numbers.
    """
    run, shape = plan.run, plan.shape
    stage = "supervised fine-tuning" if run.stage == SFT else f"reinforcement learning, profile {run.profile}"
    how = f", LoRA of rank {run.lora_rank}" if run.lora_rank else ""
    where = f"{run.gpus} x {run.gpu} of {run.memory:g} GiB on {run.nodes} node{'s' * (run.nodes > 1)}"
    lines = [f"{shape.name} ({shape.parameters / 1e9:.2f}B parameters{how}), {stage}, {run.framework}, {where}", ""]
    lines += [verdict(plan), "", "Memory of each GPU, GiB", *_memory(plan)]
    lines += ["", "Each node", *_node(plan), "", "Batch", f"  {split_in_words(plan)}"]
    if run.stage == SFT:
        lines += _converted(plan)
    if not plan.timed:
        return "\n".join([*lines, "", "There are no hours, as the rollout engine has no room for its cache."]) + "\n"
    if plan.step is not None:
        lines += ["", "Rollouts", *_rollouts(plan), "", "Reward", *_reward(plan)]
    lines += ["", "Time: computed from the rates below, measured by nobody", *_time(plan)]
    lines += [
        "",
        f"What matters: hours ({plan.hours:.1f}) and memory of the plan with 25 % less and 25 % more of a rate",
    ]
    lines += _table(plan, effects_of(plan))
    if explain:
        from vincicoder.planning.explain import formulas

        lines += ["", "Formulas", *(f"  {each}" for each in formulas(plan))]
    return "\n".join(lines) + "\n"


def json_of(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON has it: bytes, seconds, and the run's settings; None for hours that there are not."""
    found = None if plan.fits else nearest(plan)
    memory = asdict(plan.memory)
    data: dict[str, Any] = {
        "run": asdict(plan.run),
        "rates": asdict(plan.rates),
        "model": {**asdict(plan.shape), "parameters": plan.shape.parameters},
        "kv_bytes_per_token": plan.shape.kv_bytes_per_token(),
        "fits": plan.fits,
        "problems": plan.problems,
        "nearest": found and found[0],
        "split": asdict(plan.split),
        "memory": {**memory, "training": plan.memory.training, "rollout": plan.memory.rollout},
        "host_memory": _host(plan),
        "node_memory": node_bytes(plan.run, plan.shape, plan.split),
        "checkpoint": checkpoint_bytes(plan.run, plan.shape),
        "disk": disk_bytes(plan.run, plan.shape),
        "batch": asdict(plan.batch) if plan.run.stage == SFT else None,
        "steps": plan.steps,
        "step_seconds": None,
        "hours": None,
        "gpu_hours": None,
        "measured": False,
        "step": None,
        "sensitivity": [],
    }
    if not plan.timed:
        return data
    data |= {
        "step_seconds": plan.step_seconds,
        "hours": plan.hours,
        "gpu_hours": plan.hours * plan.run.gpus,
        "sensitivity": [asdict(effect) for effect in effects_of(plan)],
    }
    if plan.step is not None:
        data["step"] = asdict(plan.step)
        data["cores_to_hide"] = cores_to_hide(plan.run, plan.step, plan.rates)
    return data


def _converted(plan: Plan) -> list[str]:
    """Return what the batch of an update is in rows and tokens, and whether that is far from what was asked for."""
    run, batch = plan.run, plan.batch
    lines = [
        f"  {run.batch_size:,} {run.batch_unit} were asked for, {batch.asked:.1f} sequences of {run.packed:,} tokens; "
        f"an update has {batch.rows:,.0f} rows of {plan.rates.row_tokens:,g} tokens, {batch.tokens:,} tokens"
    ]
    if not 1 / TOLERATED <= batch.ratio <= TOLERATED:
        lines.append(
            f"  that is {batch.ratio:.2g} times what was asked for, as each GPU takes whole sequences: fewer GPUs, or "
            "a shorter pack_length, come nearer"
        )
    return lines


def _memory(plan: Plan) -> list[str]:
    memory = plan.memory
    rows = [
        ("weights", memory.weights),
        ("gradients", memory.gradients),
        ("optimizer", memory.optimizer),
        ("gathered layers", memory.gathered),
        ("activations", memory.activations),
        ("encoder (DINOv2-L)", memory.encoder),
        ("reserve", memory.reserve),
        ("training in all", memory.training),
    ]
    if plan.step is not None:
        rows += [
            ("rollout engine", memory.engine),
            ("  its weights", memory.engine_weights),
            ("  its activations and graphs", memory.engine_work),
            ("  its KV cache", memory.kv_cache),
            ("left by training", memory.resident),
            ("rollouts in all", memory.rollout),
        ]
    rows = [row for row in rows if row[1] or row[0].endswith("in all")]
    return [f"  {name:<30}{count / GIB:>8.1f}" for name, count in rows]


def _node(plan: Plan) -> list[str]:
    run, shape = plan.run, plan.shape
    kept, host = kept_checkpoints(run), _host(plan)
    left = f", {host / GIB:,.0f} of it for what leaves the GPUs" if host else ""
    return [
        f"  memory {node_bytes(run, shape, plan.split) / GIB:,.0f} GiB{left}",
        f"  disk of all nodes {disk_bytes(run, shape) / 1e9:,.0f} GB: {kept} checkpoint{'s' * (kept > 1)} of "
        f"{checkpoint_bytes(run, shape) / 1e9:,.0f} GB and a new one, the model, the data",
    ]


def _host(plan: Plan) -> float:
    return host_bytes(plan.run, plan.shape, plan.split)


def _rollouts(plan: Plan) -> list[str]:
    split, shape = plan.split, plan.shape
    decoding = decoding_of(plan.run, shape, split, plan.memory, plan.rates)
    mean = plan.rates.prompt_tokens + plan.rates.response_tokens
    held = cached_sequences(plan.run, shape, split, plan.memory, mean)
    left = "weights and optimizer offloaded" if split.offload else "nothing offloaded"
    return [
        f"  tensor parallel {split.tensor_parallel}, gpu_memory_utilization {split.gpu_memory:g}, "
        f"max_num_batched_tokens {split.batched_tokens:,}, {left}",
        f"  KV cache {shape.kv_bytes_per_token() / 1024:g} KiB a token: an engine holds {plan.full_sequences:.0f} "
        f"sequences of full length, {held:.0f} of mean length",
        f"  {decoding.at_once:.0f} at a time, {decoding.tokens_per_second:,.0f} tokens/s a GPU",
    ]


def _reward(plan: Plan) -> list[str]:
    run, step = plan.run, plan.step
    assert step is not None
    cores = cores_to_hide(run, step, plan.rates)
    adds = f"so the reward adds {step.waiting:.0f} s to a step" if step.waiting else "so nobody waits for the reward"
    need = (
        f"with {cores} core{'s' * (cores > 1)} a node"
        if cores
        else "with no number of cores, as one that hangs takes longer,"
    )
    return [
        f"  renders {step.rendering:.0f} s on {run.cpus} cores a node, at {mean_render_seconds(plan.rates):.2f} CPU s "
        f"with those that hang; the process that scores {step.scoring:.0f} s; "
        f"encoder {step.encoding:.0f} s on all GPUs",
        f"  {run.framework} hides behind {HIDES_BEHIND[run.framework]} what it can, {adds}",
        f"  renders add nothing {need}",
    ]


def _time(plan: Plan) -> list[str]:
    lines, step = [], plan.step
    if step is not None:
        phases = (
            ("read prompts", step.prefill),
            ("write responses", step.writing),
            ("old log-probabilities", step.old),
            ("update", step.update),
            ("move weights", step.moving),
            ("what the reward adds", step.waiting),
        )
        lines += [f"  {name:<30}{seconds:>8.0f} s" for name, seconds in phases]
    word = "update" if step is None else "step"
    lines += [
        f"  {'one ' + word:<30}{plan.step_seconds:>8.0f} s",
        f"  {plan.steps:,} {word}s: {plan.hours:.1f} hours, {plan.hours * plan.run.gpus:,.0f} GPU-hours",
    ]
    return lines


def _table(plan: Plan, effects: list[Effect]) -> list[str]:
    rows, rest = [f"  {'rate':<28}{'value':>10}{'hours':>20}{'GiB':>18}"], []
    for each in effects:
        hours, memory = each.hours, [count / GIB for count in each.memory]
        if max(each.change_of_hours(plan), each.change_of_memory(plan)) < SHOWN:
            rest.append(each.name)
            continue
        changed = f"{hours[0]:.1f} to {hours[1]:.1f}"
        rows.append(f"  {each.name:<28}{each.value:>10g}{changed:>20}{f'{memory[0]:.1f} to {memory[1]:.1f}':>18}")
    without = f"without effect: {', '.join(rest)}"
    return [*rows, *textwrap.wrap(without, 100, initial_indent="  ", subsequent_indent="    ")] if rest else rows
